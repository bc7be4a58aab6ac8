"""The two files of the same conferences, and ways to write small calendars."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vently.events.importing import Reading, read
from vently.outside.places.offline import OfflinePlaces

DATA = Path(__file__).parents[2] / "data"


@pytest.fixture(scope="session")
def places() -> OfflinePlaces:
    return OfflinePlaces()


@pytest.fixture(scope="session")
def calendar_file() -> Path:
    return DATA / "conferences-2025.ics"


@pytest.fixture(scope="session")
def table_file() -> Path:
    return DATA / "conferences-2025.csv"


@pytest.fixture
def reads(places: OfflinePlaces) -> Callable[..., Reading]:
    """Reads text (lines are ended as calendars end them) or bytes."""

    def reading(source: str | bytes, name: str = "some.ics", *, default_timezone: str = "UTC") -> Reading:
        data = source.encode() if isinstance(source, str) else source
        return read(data, name, default_timezone=default_timezone, places=places)

    return reading


@pytest.fixture
def calendar() -> Callable[..., str]:
    """A calendar of one event: `calendar("RRULE:FREQ=DAILY", DTSTART="20250301T180000Z", heads=["METHOD:CANCEL"])`."""

    def written(*lines: str, heads: tuple[str, ...] = (), **properties: str | None) -> str:
        usual: dict[str, str | None] = {"UID": "one@test", "SUMMARY": "A gig", "DTSTART": "20250301T180000Z"}
        given = [f"{name}:{value}" for name, value in (usual | properties).items() if value is not None]
        body = ["BEGIN:VEVENT", *given, *lines, "END:VEVENT"]
        return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *heads, *body, "END:VCALENDAR", ""])

    return written
