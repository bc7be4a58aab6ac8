"""Paying: attempts, webhooks, and asking the provider about what is left open."""

from typing import Any

ROUTES: list[Any] = []
