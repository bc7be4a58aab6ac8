"""An order as people see it."""

from typing import Any

HANDLERS: dict[str, Any] = {}
"""Jobs by kind: `async def handler(parts: Parts, job: Job) -> None`."""
TIMETABLE: list[Any] = []
