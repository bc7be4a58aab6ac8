"""A scratch server for the tests of migrations."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import vently
from scratch import Scratch, scratch_server
from vently.database.migrate import Room


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


@pytest.fixture
def house_rooms() -> Callable[[], list[Room]]:
    """The rooms with rules, from the lowest up."""

    def rooms() -> list[Room]:
        package = Path(vently.__file__).parent
        found = [Room(name, package / name / "rules.sql") for name in ("database", "people", "communities", "events")]
        return [room for room in found if room.rules.exists()]

    return rooms
