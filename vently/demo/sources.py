"""What was written down of the town by hand: the TOML files in `graz/`."""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

import msgspec

T = TypeVar("T")

HERE = files(__package__) / "graz"


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of a file: unknown keys are mistakes."""


class House(Written, frozen=True, kw_only=True):
    """A venue. Where it stands is said in kilometres from the centre of its city."""

    name: str
    address: str | None = None
    city: str | None = None
    north: float
    east: float


class Ground(Written, frozen=True, kw_only=True):
    """The town and its venues."""

    city: str
    country: str
    venues: dict[str, House]


class Neighbour(msgspec.Struct, frozen=True, array_like=True):
    """Someone who lives there. `likes` names files in `communities/`."""

    name: str
    likes: str
    bio: str


class Edition(Written, frozen=True, kw_only=True):
    """What one date of a series has of its own. `text` stands where `{this}` does, or at the end."""

    name: str = ""
    text: str = ""


class Seats(Written, frozen=True, kw_only=True):
    """A ticket type: what it costs in cents, and how many there are. `shared`: it is of the gathering's pool."""

    name: str
    price: int
    quantity: int
    text: str = ""
    at_least: bool = False
    shared: bool = False
    tax: float = 0.0


class Gathering(Written, frozen=True, kw_only=True):
    """One event or a series of them. Week 0 is the seven days that begin today; `want` is how many heads answer.

    `pool`: how many tickets there are in all; `reserved`: how many of the first kind are, to be paid at the door of its
    first date.
    """

    title: str
    text: str
    on: str
    hours: float
    weeks: list[int]
    tickets: list[Seats] = []
    pool: int | None = None
    reserved: int = 0
    venue: str | None = None
    online_url: str | None = None
    host: str | None = None
    capacity: int | None = None
    want: int | None = None
    category: str | None = None
    tags: list[str] = []
    visibility: Literal["public", "unlisted", "members"] = "public"
    status: Literal["published", "draft", "cancelled"] = "published"
    each: list[Edition] = []
    talk: list[list[str]] = []


class Circle(Written, frozen=True, kw_only=True):
    """A community. `talk` and `closings` belong to its first gathering; `after` to dates that have passed.

    A thread of talk is said in turns by whoever asks and by the host; "+ " marks somebody else who joins in.
    """

    name: str
    description: str
    join: Literal["open", "request", "invite"]
    category: str
    owner: str
    admins: list[str]
    moderators: list[str]
    organizers: list[str]
    closings: list[str]
    talk: list[list[str]]
    after: list[list[str]]
    gathering: list[Gathering]


class Others(Written, frozen=True, kw_only=True):
    """What people put on without a community."""

    gathering: list[Gathering]


@cache
def ground() -> Ground:
    return _read("town.toml", Ground)


@cache
def neighbours() -> dict[str, Neighbour]:
    """By handle."""
    return _read("people.toml", dict[str, Neighbour])


@cache
def circles() -> dict[str, Circle]:
    """By the name of their file."""
    found = sorted(file.name for file in (HERE / "communities").iterdir() if file.name.endswith(".toml"))
    return {name.removesuffix(".toml"): _read(f"communities/{name}", Circle) for name in found}


@cache
def others() -> list[Gathering]:
    return _read("others.toml", Others).gathering


def fans(circle: str) -> list[str]:
    """Who cares for what this community does."""
    return [handle for handle, neighbour in neighbours().items() if circle in neighbour.likes.split()]


def _read(name: str, kind: type[T]) -> T:
    return msgspec.toml.decode((HERE / name).read_bytes(), type=kind)
