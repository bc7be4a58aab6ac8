"""Asking Stripe: within a time, and with every error of its SDK turned into one of ours."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import msgspec
import stripe

from vently.outside.payments import PaymentsRefused, PaymentsUnavailable

# It would tell Stripe how long our requests took, and keep a name for this machine in the home folder.
stripe.enable_telemetry = False

TIMEOUT = 10.0
"""Seconds a try may take; a buyer waits for it."""

TRIES_AGAIN = 2
"""With the same idempotency key, after half a second and a second."""

PATIENCE = 25.0
"""Seconds for all tries together, and for a server that drips."""

LONGEST_SENTENCE = 300

_CONFLICT, _CLIENT, _SERVER = 409, 400, 500

_Read = TypeVar("_Read")


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """What the SDK raises inside becomes PaymentsUnavailable or PaymentsRefused."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except stripe.StripeError as error:
        raise _translated(error) from error
    except TimeoutError as error:
        raise PaymentsUnavailable("Stripe does not answer just now: try again in a while.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise PaymentsUnavailable("Stripe gave an answer that cannot be understood.") from error


def understood(answer: stripe.StripeObject, kind: type[_Read]) -> _Read:
    """Raises msgspec's ValidationError, which is a ValueError."""
    return msgspec.convert(answer.to_dict(), kind)


def _translated(error: stripe.StripeError) -> PaymentsUnavailable | PaymentsRefused:
    status = error.http_status or 0
    if isinstance(error, stripe.APIConnectionError | stripe.RateLimitError) or status == _CONFLICT:
        return PaymentsUnavailable("Stripe cannot be asked just now: try again in a while.")
    if not _CLIENT <= status < _SERVER:
        return PaymentsUnavailable("Stripe did not say what became of the request: try again in a while.")
    # Somebody has to mend the settings first; of the payment it says nothing, so nobody may take it for lost.
    if isinstance(error, stripe.AuthenticationError):
        return PaymentsUnavailable(
            "Stripe does not know the key in STRIPE_SECRET_KEY: take it from the dashboard again, then try again."
        )
    code = error.code or getattr(error.error, "code", None) or ""
    if isinstance(error, stripe.PermissionError) and code != "account_invalid":
        return PaymentsUnavailable(
            "The key in STRIPE_SECRET_KEY may not do this: allow it in the dashboard, then try again."
        )
    if isinstance(error, stripe.IdempotencyError):
        return PaymentsRefused("Stripe was asked for this before, in other words.", "idempotency_error")
    said = "".join(filter(str.isprintable, error.user_message or ""))[:LONGEST_SENTENCE]
    return PaymentsRefused(said or "Stripe refused the request.", code)
