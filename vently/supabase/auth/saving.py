"""What may go wrong where `auth.users` is written: an address that is taken, and triggers of the operator's own."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from vently.database.errors import ServerError
from vently.refusals import Refusal, Unavailable
from vently.supabase.auth.errors import AuthError

log = structlog.get_logger(__name__)


@contextmanager
def saving(what: str) -> Iterator[None]:
    """A trigger on `auth.users` may fail. Supabase Auth would say 500, and clients would try again and again."""
    try:
        yield
    except (AuthError, Unavailable):
        raise
    except Refusal as error:
        raise AuthError("unexpected_failure", f"Database error {what}: {error.detail}", 422) from error
    except ServerError as error:
        if error.constraint_name == "users_email_partial_key":
            raise email_exists() from error
        if error.sqlstate == "P0001":
            why = str(error)  # `raise exception`: the trigger's own sentence
        else:
            why = f"a trigger on auth.users failed with {error.sqlstate}; the server's log says more"
            log.exception("trigger on auth.users failed", sqlstate=error.sqlstate)
        raise AuthError("unexpected_failure", f"Database error {what}: {why}", 422) from error


def email_exists() -> AuthError:
    return AuthError("email_exists", "A user with this email address has already been registered", 422)
