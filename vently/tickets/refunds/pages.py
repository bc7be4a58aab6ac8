"""Money back: by the organiser, by the buyer, for a cancelled event; disputes."""

from typing import Any

ROUTES: list[Any] = []
