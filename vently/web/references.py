"""References: what stands in `{event}` or `{community}`, an id or a slug, split for the statement that looks it up."""

from typing import TypedDict
from uuid import UUID


class Named(TypedDict):
    """Exactly one of the two is given."""

    id: UUID | None
    slug: str | None


def split(reference: str) -> Named:
    """A slug never has the form of a UUID (the database sees to it)."""
    try:
        return {"id": UUID(reference), "slug": None}
    except ValueError:
        return {"id": None, "slug": reference}
