"""Paying: attempts, webhooks, and asking the provider about what is left open."""

from typing import Any

HANDLERS: dict[str, Any] = {}
"""Jobs by kind: `async def handler(parts: Parts, job: Job) -> None`."""
TIMETABLE: list[Any] = []
