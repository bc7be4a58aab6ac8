"""What the schema is made of: migrations, which have a history, and the rooms' rules, which have only a present."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

HERE = Path(__file__).parent
MIGRATIONS = HERE / "migrations"
HISTORY = (HERE / "history.sql").read_text(encoding="utf-8")
FORGET_RULES = (HERE / "forget_rules.sql").read_text(encoding="utf-8")
RECORD_RULES = (HERE / "record_rules.sql").read_text(encoding="utf-8")
TURN = 0x76656E746C79  # "vently" in ASCII: the advisory lock that whoever migrates takes

_MIGRATION_NAME = re.compile(r"(?P<timestamp>\d{14})_[a-z0-9_]+")
_ROOM_NAME = re.compile(r"[a-z][a-z0-9_]*")


class CannotMigrate(Exception):
    """The schema cannot be brought up to date; nothing was changed. The sentence says how to mend it."""


@dataclass(frozen=True, slots=True)
class Room:
    """A room with rules. Rooms are given in the order in which their rules run."""

    name: str
    rules: Path


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of SQL that `private.schema_history` knows by kind, name and digest."""

    kind: Literal["migration", "rules"]
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return sha256(self.sql.encode()).hexdigest()

    @property
    def timestamp(self) -> str:
        return self.name[:14]


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything there is to apply, in order."""

    migrations: tuple[Text, ...]
    rules: tuple[Text, ...]

    @classmethod
    def read(cls, migrations: Path, rooms: Sequence[Room]) -> Self:
        return cls(
            tuple(_migration(path) for path in sorted(migrations.glob("*.sql"))),
            tuple(_rules(room) for room in rooms),
        )


def _migration(path: Path) -> Text:
    if not _MIGRATION_NAME.fullmatch(path.stem):
        raise CannotMigrate(f"The migration {path.name} must be named like 20261122150000_house.sql.")
    return Text("migration", path.stem, path.read_text(encoding="utf-8"))


def _rules(room: Room) -> Text:
    if not _ROOM_NAME.fullmatch(room.name):
        raise ValueError(f"{room.name!r} is no name for a room")
    return Text("rules", room.name, room.rules.read_text(encoding="utf-8"))
