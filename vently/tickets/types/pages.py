"""What an event sells: ticket types, pools, discounts, questions, and how it is paid."""

from typing import Any

ROUTES: list[Any] = []
