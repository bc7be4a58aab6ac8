"""What Postgres refuses, said in Vently's words: constraint by constraint, once for the whole house.

The sentence of a constraint or unique index is its comment in the database, `/json/pointer: what to mend`.
Guarded functions raise PostgREST's way: errcode `PT` + HTTP status, message = sentence, detail = type, hint = pointer.
"""

import re
from collections.abc import Mapping

import asyncpg

from vently.refusals import (
    Conflict,
    FieldError,
    Invalid,
    NotAllowed,
    NotFound,
    Refusal,
    Stale,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

BY_STATUS: dict[int, type[Refusal]] = {
    401: Unauthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Stale,
    413: TooLarge,
    422: Invalid,
}

SENTENCES = """
select c.conname as name, d.description as sentence
  from pg_constraint c
  join pg_description d on d.objoid = c.oid and d.classoid = 'pg_constraint'::regclass
 union all
select k.relname, d.description
  from pg_index i
  join pg_class k on k.oid = i.indexrelid
  join pg_description d on d.objoid = k.oid and d.classoid = 'pg_class'::regclass and d.objsubid = 0
"""

ServerError = asyncpg.PostgresError
"""What Postgres says when no refusal is meant by it, for the one room that answers for other people's triggers."""

_RAISED = re.compile(r"PT(\d{3})")


def refusal(error: Exception, sentences: Mapping[str, str]) -> Refusal | None:
    """The refusal that this error of the driver means, or None when it is a fault of ours."""
    if isinstance(error, asyncpg.PostgresError):
        return _from_server(error, sentences)
    if isinstance(error, asyncpg.DataError | OverflowError):
        return Invalid("A value is out of the range that can be stored.")
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return Unavailable("The database is not reachable right now; try again in a moment.")
    return None


def _from_server(error: asyncpg.PostgresError, sentences: Mapping[str, str]) -> Refusal | None:
    state = error.sqlstate or ""
    if raised := _RAISED.fullmatch(state):
        kind = BY_STATUS.get(int(raised[1]), Conflict)
        where = [FieldError(error.hint, str(error.message))] if error.hint else []
        return kind(str(error.message), errors=where, type=error.detail)
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return _constraint(error, sentences)
    if state == "42501":
        return NotAllowed()
    if isinstance(error, asyncpg.DataError):
        return Invalid("A value is out of the range that can be stored, or has characters that cannot be stored.")
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return Unavailable("This took too long and was given up; nothing was changed. Try again in a moment.")
    if isinstance(error, asyncpg.TransactionRollbackError):
        return Unavailable("Two changes met; nothing was changed. Try again.")
    if state.startswith(("08", "53", "57")):
        return Unavailable("The database is not reachable right now; try again in a moment.")
    return None


def _constraint(error: asyncpg.PostgresError, sentences: Mapping[str, str]) -> Refusal | None:
    said = sentences.get(error.constraint_name or "")
    if said is None and error.column_name:
        said = f"/{error.column_name}: must not be empty"
    if said is None and isinstance(error, asyncpg.ForeignKeyViolationError):
        # Row-level security has looked already: it went after that, or its account did while the token lives on.
        return Conflict("What this belongs to is gone meanwhile: read it again.", type="gone")
    if said is None:
        return None
    pointer, _, sentence = said.partition(": ")
    kind = Conflict if isinstance(error, asyncpg.UniqueViolationError) else Invalid
    slug = (error.constraint_name or "").replace("_", "-") if kind is Conflict else None
    return kind(sentence, errors=[FieldError(pointer, sentence)], type=slug)
