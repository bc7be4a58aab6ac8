"""The door: scans, counts, undo, and who helps."""

from typing import Any

ROUTES: list[Any] = []
