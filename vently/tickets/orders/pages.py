"""An order as people see it."""

from typing import Any

ROUTES: list[Any] = []
