"""Invoices and credit notes, numbered without gaps."""

from typing import Any

ROUTES: list[Any] = []
