"""Money back: by the organiser, by the buyer, for a cancelled event; disputes."""

from typing import Any

HANDLERS: dict[str, Any] = {}
"""Jobs by kind: `async def handler(parts: Parts, job: Job) -> None`."""
TIMETABLE: list[Any] = []
