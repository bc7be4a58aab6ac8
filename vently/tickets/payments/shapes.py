"""What is asked about payments over HTTP, and answered."""

from typing import Literal
from uuid import UUID

import msgspec

from vently.web.words import Country


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    """How the money came: all of it, by bank transfer or at the door."""

    method: Literal["transfer", "door"]


class Settled(msgspec.Struct):
    """The order is paid and its tickets are valid."""

    order: UUID
    status: Literal["paid"]
    method: Literal["transfer", "door"]


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """Where the account is; left out, where the community is."""

    country: Country | None = None


class Onboarding(msgspec.Struct):
    """Where the organiser says who they are, good once and for minutes."""

    url: str
