"""Settling the town: one transaction, in which each of its people does their own part and row-level security judges."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from vently.communities import communities, members
from vently.communities.shapes import CommunityChanges, MemberChanges, NewCommunity
from vently.database.pool import Document, Transaction, Viewer
from vently.database.queries import load
from vently.demo import box_office, crowd, sources
from vently.demo.box_office import Buyer
from vently.demo.chance import shuffled
from vently.demo.crowd import Answer, Remark
from vently.demo.dates import Occasion, unwrapped
from vently.events import comments, events
from vently.events.shapes import NewComment
from vently.outside.places import Place
from vently.people import profiles
from vently.people.profiles import ProfileChanges, Terms

sql = load(__package__)

DOMAIN = "demo.vently.example"
"""No mail ever arrives at .example (RFC 2606)."""


@dataclass
class Settlement:
    """The town while it is being settled: who and what has which id by now."""

    tx: Transaction
    place: Place
    tell: Callable[[str], None]
    circles: dict[str, UUID] = field(default_factory=dict)
    events: dict[str, UUID] = field(default_factory=dict)
    link: str = ""
    answers: int = 0
    comments: int = 0
    reserved: int = 0

    async def become(self, person: str) -> None:
        """What follows is done by this person."""
        who = viewer(person)
        claims = msgspec.json.encode(who.claims).decode()
        await self.tx.execute(sql.become, claims=claims, id=str(who.id), email=email(person), link=self.link)


def steps(planned: Sequence[Occasion]) -> int:
    """How many times `tell` will be called."""
    return 3 * len(sources.neighbours()) + 2 * len(sources.circles()) + len(planned) * 2


async def settle(town: Settlement, planned: Sequence[Occasion]) -> None:
    """Begun as supabase_auth_admin, which makes the accounts."""
    await _accounts(town)
    await _profiles(town, {occasion.host for occasion in planned if occasion.circle is None})
    await _found(town)
    await _mingle(town)
    await _give_roles(town)
    drawn = {occasion.key: crowd.answers(occasion) for occasion in planned}
    await _announce(town, planned)
    await _sell(town, planned)
    await _answer(town, drawn)
    await _cancel(town, planned)
    await _talk(town, planned)


def email(person: str) -> str:
    return f"{person}@{DOMAIN}"


def viewer(person: str) -> Viewer:
    """One of the town's people, as the database sees them; the same id in every database."""
    who = uuid5(NAMESPACE_URL, f"mailto:{email(person)}")
    return Viewer(who, "authenticated", {"sub": str(who), "role": "authenticated", "email": email(person)})


async def _accounts(town: Settlement) -> None:
    accounts = [
        {"id": str(viewer(handle).id), "email": email(handle), "name": neighbour.name, "handle": handle}
        for handle, neighbour in sources.neighbours().items()
    ]
    await town.tx.execute(sql.create_accounts, accounts=accounts)


async def _profiles(town: Settlement, organizers: set[str]) -> None:
    for handle, neighbour in sources.neighbours().items():
        await town.become(handle)
        said = ProfileChanges(bio=neighbour.bio, city=town.place.name, country=town.place.country_name)
        await profiles.edit(town.tx, said, version=None)
        if handle in organizers:
            await profiles.become_organizer(town.tx, Terms(terms_accepted=True), approval="automatic")
        town.tell("People move in")


async def _found(town: Settlement) -> None:
    """What is joined by invitation is open at first, or nobody could come in."""
    for name, circle in sources.circles().items():
        await town.become(circle.owner)
        made = await communities.create(
            town.tx,
            NewCommunity(
                name=circle.name,
                description=unwrapped(circle.description),
                city=town.place.name,
                country=town.place.country_name,
                lat=town.place.lat,
                lng=town.place.lng,
                join="request" if circle.join == "request" else "open",
            ),
        )
        town.circles[name] = _id(made)
        town.tell("Communities form")


async def _mingle(town: Settlement) -> None:
    for handle in sources.neighbours():
        ties = crowd.ties(handle)
        await town.become(handle)
        await town.tx.execute(
            sql.settle_in,
            joins=[town.circles[name] for name in ties.joins],
            follows=[town.circles[name] for name in ties.follows],
            people=[viewer(other).id for other in ties.people],
        )
        town.tell("People get to know each other")


async def _give_roles(town: Settlement) -> None:
    for name, circle in sources.circles().items():
        await town.become(circle.owner)
        slug = str(town.circles[name])
        if circle.join == "request":
            still = crowd.waiting(name)
            for fan in sources.fans(name):
                if fan != circle.owner and fan not in still:
                    await members.change(town.tx, slug, str(viewer(fan).id), MemberChanges(status="active"))
        roles = {"admin": circle.admins, "moderator": circle.moderators, "organizer": circle.organizers}
        for role, holders in roles.items():
            for holder in holders:
                changes = msgspec.convert({"role": role}, MemberChanges)
                await members.change(town.tx, slug, str(viewer(holder).id), changes)
        if circle.join == "invite":
            await communities.edit(town.tx, slug, CommunityChanges(join="invite"), version=None)
        town.tell("Communities form")


async def _announce(town: Settlement, planned: Sequence[Occasion]) -> None:
    """The next date first: of several with one title it gets the address without letters behind it."""
    for occasion in sorted(planned, key=lambda occasion: (occasion.days_ahead < 0, occasion.event.starts_at)):
        await town.become(occasion.host)
        community = str(town.circles[occasion.circle]) if occasion.circle else None
        made = await events.create(town.tx, msgspec.structs.replace(occasion.event, community=community))
        town.events[occasion.key] = _id(made)
        if occasion.event.visibility == "unlisted":
            town.link = str(town.events[occasion.key])  # the neighbours hold it
        town.tell("Events are announced")


async def _sell(town: Settlement, planned: Sequence[Occasion]) -> None:
    for occasion in planned:
        if occasion.tickets and not occasion.cancelled:
            event = town.events[occasion.key]
            await town.become(occasion.host)
            kind = await box_office.open_sale(town.tx, viewer(occasion.host), event, occasion)
            names = sources.neighbours()
            buyers = [
                Buyer(names[who].name, email(who)) for who in shuffled(names, occasion.key) if who != occasion.host
            ]
            await town.tx.execute(sql.serve)
            carts = box_office.reservations(event, kind, occasion.reserved, buyers)
            town.reserved += await town.tx.value(sql.reserve, carts=carts)


async def _answer(town: Settlement, drawn: dict[str, list[Answer]]) -> None:
    """Hosts have a place before anybody else; then everybody answers in turn, and the late find things full."""
    hosting: dict[str, list[dict[str, object]]] = {}
    coming: dict[str, list[dict[str, object]]] = {}
    for key, answers in drawn.items():
        for nth, answer in enumerate(answers):
            row = {"event": str(town.events[key]), "status": answer.status, "guests": answer.guests}
            (coming if nth else hosting).setdefault(answer.person, []).append(row)
            town.answers += 1
    for turn in (hosting, coming):
        for person, rows in turn.items():
            await town.become(person)
            await town.tx.execute(sql.answer_events, answers=rows)
            if turn is coming:
                town.tell("People answer")


async def _cancel(town: Settlement, planned: Sequence[Occasion]) -> None:
    for occasion in planned:
        if occasion.cancelled:
            await town.become(occasion.host)
            await events.cancel(town.tx, str(town.events[occasion.key]))


async def _talk(town: Settlement, planned: Sequence[Occasion]) -> None:
    for occasion in planned:
        for thread in crowd.threads(occasion):
            await _tell_thread(town, town.events[occasion.key], thread)
        town.tell("People talk")


async def _tell_thread(town: Settlement, event: UUID, thread: Sequence[Remark]) -> None:
    first: UUID | None = None
    for remark in thread:
        await town.become(remark.person)
        said = await comments.create(town.tx, str(event), NewComment(body=remark.body, reply_to=first))
        first = first or _id(said)
        town.comments += 1


class _Made(msgspec.Struct):
    id: UUID


def _id(made: Document) -> UUID:
    return msgspec.json.decode(made.body, type=_Made).id
