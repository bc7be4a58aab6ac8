"""Words the templates use: dates, money, names, covers and prose, as Jinja filters and globals."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from jinja2 import Environment, pass_environment

from vently.web import dates, money, prose, schema_org
from vently.web.assets import asset_url
from vently.web.covers import ANY

TINTS = 8


def register(environment: Environment) -> None:
    """Give an environment all filters and globals the templates count on."""
    environment.filters.update(
        ago=dates.ago,
        brief_when=dates.brief_when,
        by_day=dates.by_day,
        country=country,
        cover_url=cover_url,
        day=dates.day,
        day_label=dates.day_label,
        excerpt=prose.excerpt,
        initials=initials,
        input_moment=dates.input_moment,
        is_over=dates.is_over,
        local=dates.local,
        long_day=dates.long_day,
        markdown=prose.markdown,
        money=money.formatted,
        query=query,
        starts_on=dates.starts_on,
        time_of_day=dates.time_of_day,
        tint=tint,
        when=dates.when,
        zone_name=dates.zone_name,
    )
    environment.globals.update(
        asset_url=asset_url,
        event_json_ld=schema_org.event_json_ld,
        map_url=map_url,
        zones=dates.zones,
    )


def initials(name: str | None) -> str:
    """First letters of the first and last word: "Ada King Lovelace" -> "AL"."""
    words = [word for word in (name or "").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


def tint(seed: str | None) -> str:
    """One of the style sheet's eight tints, always the same for the same seed."""
    return f"tint-{blake2b((seed or '').encode(), digest_size=1).digest()[0] % TINTS}"


def country(code: str | None) -> str:
    """ISO 3166 code -> its name; anything else stays as it is."""
    return str(dates.LOCALE.territories.get((code or "").upper(), code or ""))


@pass_environment
def cover_url(environment: Environment, thing: Any) -> str:
    """The cover of an event or a community. A generated one needs no host: pages may be read under another name.

    What has none gets /covers/{category}/{id}.svg, drawn by `covers.cover_svg`.
    """
    get = schema_org.reader(environment)
    own = get(thing, "cover")
    if not own:
        return f"/covers/{quote(get(thing, 'category') or ANY, safe='')}/{get(thing, 'id')}.svg"
    path = urlsplit(own).path
    return path if path.startswith("/covers/") else str(own)


def map_url(lat: float | None, lng: float | None, words: Iterable[str | None]) -> str:
    """OpenStreetMap: the spot if we know it, else a search for the words of the address."""
    if lat is not None and lng is not None:
        return f"https://www.openstreetmap.org/?mlat={lat:.5f}&mlon={lng:.5f}#map=17/{lat:.5f}/{lng:.5f}"
    return f"https://www.openstreetmap.org/search?query={quote(', '.join(word for word in words if word))}"


def query(filters: Mapping[str, Any], **changes: Any) -> str:
    """The set ones, after the changes, as a query string: "?q=jazz&cursor=x"."""
    kept = {name: _plain(value) for name, value in {**filters, **changes}.items() if value not in (None, "", False)}
    return f"?{urlencode(kept)}" if kept else "?"


def _plain(value: Any) -> str:
    return "1" if value is True else str(value)
