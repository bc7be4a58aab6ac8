"""What a command says to a program: JSON on standard output, a value a line."""

import sys
from typing import Any

import msgspec


def print_json(value: Any, *, indent: int = 0) -> None:
    """Nothing where standard output is closed, as `print` does."""
    text = msgspec.json.encode(value)
    if sys.stdout is not None:
        sys.stdout.buffer.write((msgspec.json.format(text, indent=indent) if indent else text) + b"\n")
