"""JSON Merge Patch (RFC 7396): which fields were given, with null meaning taken away."""

from typing import Any

import msgspec
from msgspec import UNSET


def changes(patch: msgspec.Struct) -> dict[str, Any]:
    """The fields of the patch that were given, by their name in Python. Fields not given are UNSET and left out."""
    return {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET}
