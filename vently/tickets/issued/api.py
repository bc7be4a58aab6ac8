"""Issued tickets: code, PDF, calendar, letter, handing on."""

from typing import Any

ROUTES: list[Any] = []
