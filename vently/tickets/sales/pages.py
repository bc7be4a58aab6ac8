"""The organiser's sales and attendees."""

from typing import Any

ROUTES: list[Any] = []
