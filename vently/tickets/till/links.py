"""Signed links: whoever holds one sees that order, or that ticket, without an account."""

from uuid import UUID

from vently.web import signing
from vently.web.facts import Parts

_ORDER, _TICKET = "link of an order", "link of a ticket"


def of_order(parts: Parts, order: UUID, serial: int = 1) -> str:
    """The address of the order's page."""
    mark = signing.encode(parts.signer.mark(_ORDER, order.bytes + serial.to_bytes(4, "big")))
    return f"{parts.settings.site_url}/orders/{order}?key={serial}.{mark}"


def opened_order(parts: Parts, order: UUID, key: str) -> int | None:
    """The serial that a link's key is good for; the order must still have it. None for a key that we did not make."""
    return _serial(parts, _ORDER, order, key)


def of_ticket(parts: Parts, ticket: UUID, serial: int = 1) -> str:
    """The address of the ticket's page; handing the ticket on ends it."""
    mark = signing.encode(parts.signer.mark(_TICKET, ticket.bytes + serial.to_bytes(4, "big")))
    return f"{parts.settings.site_url}/tickets/{ticket}?key={serial}.{mark}"


def opened_ticket(parts: Parts, ticket: UUID, key: str) -> int | None:
    return _serial(parts, _TICKET, ticket, key)


def with_link(parts: Parts, document: str, order: UUID, serial: int = 1) -> bytes:
    """The order's JSON with its link."""
    return f'{document[:-1]},"link":"{of_order(parts, order, serial)}"}}'.encode()


def _serial(parts: Parts, purpose: str, what: UUID, key: str) -> int | None:
    number, _, mark = key.partition(".")
    given = signing.decode(mark)
    if not number.isascii() or not number.isdigit() or len(number) > 9 or given is None:  # noqa: PLR2004 - fits 4 bytes
        return None
    serial = int(number)
    return serial if parts.signer.matches(purpose, what.bytes + serial.to_bytes(4, "big"), given) else None
