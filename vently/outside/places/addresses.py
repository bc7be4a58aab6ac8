"""Reading an address line from its end: the country, the region, the city, and what is left before it."""

import re

from vently.outside.places import Address, Place, Places

BIG_ENOUGH = 100_000
"""Without a country only a city of this many people is believed: halls and pubs are named after villages."""

_separators = re.compile(r"[,;\n]+")
_postcode = re.compile(r"\b(?=\S*\d)[\w-]+\b")
_most_parts = 12


def read_address(text: str, places: Places) -> Address | None:
    """Read an address as people write it in calendars; None when neither a city nor a country is in it."""
    parts = [part for part in (piece.strip() for piece in _separators.split(text)) if part][-_most_parts:]
    if not parts:
        return None
    readings = [_with_country(parts, places), _with_state(parts, places)]
    settled = [reading for reading in readings if reading is not None and reading.place is not None]
    if settled:
        # `Portland, ME` is Maine before it is Montenegro; `Berlin, DE` is Germany before it is Delaware.
        return max(settled, key=lambda reading: reading.place.population if reading.place else 0)
    return next((reading for reading in readings if reading is not None), None) or _without_country(parts, places)


def _with_country(parts: list[str], places: Places) -> Address | None:
    country = places.find_country(parts[-1])
    if country is None:
        return None
    code, country_name = country
    rest = parts[:-1]
    if not rest:
        # Singapore, Monaco, Luxembourg: a country whose name is also its city's.
        city = places.find_city(parts[-1], code)
        if city is not None:
            return _settled([], parts[-1], city)
        return Address("", "", code, country_name, None, places.timezone_of(code))
    region = places.find_region(_without_postcode(rest[-1]), code) if len(rest) > 1 else None
    if region:
        rest = rest[:-1]
    # `Edinburgh, Scotland`: the last part may name a region as well as its country.
    region = region or places.find_region(parts[-1], code)
    return _city_among(rest, code, country_name, region, places)


def _with_state(parts: list[str], places: Places) -> Address | None:
    """`Portland, ME`: Americans leave the country out."""
    region = places.find_region(_without_postcode(parts[-1]), "US") if len(parts) > 1 else None
    found = _city_among(parts[:-1], "US", "United States", region, places) if region else None
    return found if found is not None and found.place is not None else None


def _city_among(parts: list[str], code: str, country_name: str, region: str | None, places: Places) -> Address:
    for at in range(len(parts) - 1, -1, -1):
        for name in _spellings(parts[at]):
            city = places.find_city(name, code, region)
            if city is not None:
                written = parts[at] if name in parts[at].split("-") else name
                return _settled(parts[:at], written, city)
    detail, city_name = ", ".join(parts[:-1]), _without_postcode(parts[-1])
    return Address(detail, city_name, code, country_name, None, places.timezone_of(code))


def _without_country(parts: list[str], places: Places) -> Address | None:
    for at in range(len(parts) - 1, -1, -1):
        name = _without_postcode(parts[at])
        city = places.find_city(name) if name else None
        if city is not None and city.population >= BIG_ENOUGH:
            return _settled(parts[:at], name, city)
    return None


def _settled(before: list[str], city: str, place: Place) -> Address:
    return Address(", ".join(before), city, place.country, place.country_name, place, place.timezone)


def _spellings(part: str) -> list[str]:
    """As written, without a postcode, and half a double name: `Rapperswil-Jona` is mapped as Rapperswil."""
    bare = _without_postcode(part)
    return [name for name in dict.fromkeys((part, bare, bare.split("-")[0])) if name]


def _without_postcode(part: str) -> str:
    return " ".join(_postcode.sub(" ", part).split())
