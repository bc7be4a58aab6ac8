"""Gatherings laid out on dates around today."""

import re
from datetime import date, datetime, time, timedelta
from math import cos, radians
from zoneinfo import ZoneInfo

import msgspec

from vently.demo import sources
from vently.demo.chance import chance
from vently.demo.sources import Circle, Edition, Gathering, Seats
from vently.events.shapes import NewEvent, Venue
from vently.outside.places import Place, Places

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KM_PER_DEGREE = 111.2

_wrapped = re.compile(r"(?<!\n)\n(?![\n\-])")


class Occasion(msgspec.Struct, frozen=True):
    """One event to be: where it belongs, who hosts, how many heads want to come, and what is said below it."""

    key: str
    circle: str | None
    host: str
    event: NewEvent
    cancelled: bool
    want: int
    days_ahead: int
    talk: list[list[str]]
    tickets: list[Seats] = []
    pool: int | None = None
    reserved: int = 0


def occasions(today: date, places: Places) -> list[Occasion]:
    """Everything that is on around today, in the order of the files."""
    found: list[Occasion] = []
    for name, circle in sources.circles().items():
        for gathering in circle.gathering:
            found += _dates(today, places, gathering, name, circle)
    for gathering in sources.others():
        found += _dates(today, places, gathering, None, None)
    return found


def home(places: Places) -> Place:
    """The town itself."""
    return city(places, sources.ground().city, sources.ground().country)


def city(places: Places, name: str, country: str | None = None) -> Place:
    """Raises LookupError for a name that no gazetteer knows: a mistake in the files."""
    place = places.find_city(name, country)
    if place is None:
        raise LookupError(f"No city is called {name}.")
    return place


def _dates(
    today: date, places: Places, gathering: Gathering, name: str | None, circle: Circle | None
) -> list[Occasion]:
    return [_occasion(today, places, gathering, name, circle, nth) for nth in range(len(gathering.weeks))]


def _occasion(
    today: date, places: Places, gathering: Gathering, name: str | None, circle: Circle | None, nth: int
) -> Occasion:
    edition = gathering.each[nth % len(gathering.each)] if gathering.each else Edition()
    key = f"{name or 'others'}/{gathering.title}/{nth}"
    place, venue = _venue(places, gathering.venue)
    day = _day(today, gathering, nth)
    starts = datetime.combine(day, time.fromisoformat(gathering.on[4:]), ZoneInfo(place.timezone))
    event = NewEvent(
        title=f"{gathering.title}: {edition.name}" if edition.name else gathering.title,
        description=_description(key, gathering, edition, circle),
        starts_at=starts,
        ends_at=starts + timedelta(hours=gathering.hours),
        timezone=place.timezone,
        venue=venue,
        online_url=gathering.online_url,
        category=gathering.category or (circle.category if circle else None),
        tags=gathering.tags,
        capacity=gathering.capacity,
        visibility=gathering.visibility,
        status="draft" if gathering.status == "draft" else "published",
    )
    ahead = (day - today).days
    return Occasion(
        key=key,
        circle=name,
        host=gathering.host or _host(circle, nth),
        event=event,
        cancelled=gathering.status == "cancelled",
        want=_want(key, gathering, ahead),
        days_ahead=ahead,
        talk=_talk(gathering, circle, nth),
        tickets=gathering.tickets,
        pool=gathering.pool,
        reserved=0 if nth else gathering.reserved,
    )


def _day(today: date, gathering: Gathering, nth: int) -> date:
    ahead = (DAYS.index(gathering.on[:3]) - today.weekday()) % 7
    return today + timedelta(days=ahead + 7 * gathering.weeks[nth])


def _venue(places: Places, key: str | None) -> tuple[Place, Venue | None]:
    """The city an event's clock follows, and the house."""
    if key is None:
        return home(places), None
    house = sources.ground().venues[key]
    place = city(places, house.city) if house.city else home(places)
    return place, Venue(
        name=house.name,
        address=house.address,
        city=place.name,
        country=place.country_name,
        lat=round(place.lat + house.north / KM_PER_DEGREE, 5),
        lng=round(place.lng + house.east / KM_PER_DEGREE / cos(radians(place.lat)), 5),
    )


def _description(key: str, gathering: Gathering, edition: Edition, circle: Circle | None) -> str:
    text = gathering.text.strip()
    if "{this}" in text:
        text = text.replace("{this}", edition.text)
    elif edition.text:
        text = f"{text}\n\n{edition.text}"
    text = text.replace("{name}", edition.name)
    if circle and gathering is circle.gathering[0] and chance("closing", key) < 0.7:  # noqa: PLR2004 - most
        text += "\n\n" + circle.closings[int(chance("which closing", key) * len(circle.closings))]
    return unwrapped(text)


def unwrapped(text: str) -> str:
    """Paragraphs on one line each: a line break of the file is none of the text."""
    return _wrapped.sub(" ", text.strip()).strip()


def _host(circle: Circle | None, nth: int) -> str:
    if circle is None:
        raise LookupError("A gathering without a community names its host.")
    return [circle.owner, *circle.organizers][nth % (1 + len(circle.organizers))]


def _want(key: str, gathering: Gathering, ahead: int) -> int:
    """The nearer the date, the more people have answered."""
    near = 1.0 if ahead <= 21 else 0.75 if ahead <= 45 else 0.45  # noqa: PLR2004 - three and six weeks
    usual = 5 + chance("want", key) * 13
    if gathering.want is None and gathering.capacity:
        usual = min(usual, gathering.capacity - 2)
    return max(2, round((gathering.want or usual) * near))


def _talk(gathering: Gathering, circle: Circle | None, nth: int) -> list[list[str]]:
    """What is said below the nth date. A community's talk is spread over the first few dates of its first gathering."""
    past = sum(week < 0 for week in gathering.weeks)
    if nth < past:
        return circle.after if circle and gathering is circle.gathering[0] else []
    said = gathering.talk if nth == past else []
    if circle and gathering is circle.gathering[0]:
        said = [*said, *circle.talk[nth - past :: 4]] if nth - past < 4 else said  # noqa: PLR2004 - the first few
    return said
