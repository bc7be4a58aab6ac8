"""Places: which city a name means, and which clock its people live by."""

import unicodedata
from typing import Protocol

from msgspec import Struct


class Place(Struct, frozen=True, gc=False):
    """A city. `country` is its ISO 3166-1 code, `region` GeoNames' first division (a state's letters in the U.S.A.)."""

    name: str
    country: str
    country_name: str
    region: str
    lat: float
    lng: float
    timezone: str
    population: int


class Address(Struct, frozen=True):
    """What a line such as `Kulturhuset, Sergels torg 3, Stockholm, Sweden` says, as far as it could be read.

    `city` stays as it was written; `place` is the gazetteer's entry for it, or None; `detail` is what stood before it.
    """

    detail: str
    city: str
    country: str
    country_name: str
    place: Place | None
    timezone: str | None


class Places(Protocol):
    """What Vently asks of a gazetteer."""

    def find_city(self, name: str, country: str | None = None, region: str | None = None) -> Place | None:
        """The best-known city of that name. Country and region are codes or names, as people write them."""

    def find_country(self, name: str) -> tuple[str, str] | None:
        """A country's code and English name: `U.K.`, `gb` and `Scotland` are all ("GB", "United Kingdom")."""

    def find_region(self, name: str, country: str) -> str | None:
        """A region's code within a country: `California` and `CA` are both "CA" in "US"."""

    def timezone_of(self, country: str) -> str | None:
        """The IANA zone of a country all of which keeps one clock; None where it keeps several."""

    def timezone_at(self, lat: float, lng: float) -> str | None:
        """The IANA zone at these coordinates (degrees)."""


def folded(name: str) -> str:
    """Letters and digits only, small and without accents, so that `São Paulo` meets `sao-paulo`."""
    text = name if name.isascii() else unicodedata.normalize("NFKD", name)
    small = text.casefold()
    return small if small.isalnum() else "".join(filter(str.isalnum, small))
