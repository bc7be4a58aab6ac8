"""Questions: what is asked of every attendee."""

from uuid import UUID

from msgspec import UNSET

from vently.database.pool import Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Conflict, Invalid
from vently.tickets.types import selling
from vently.tickets.types.shapes import NewQuestion, QuestionChanges
from vently.web.merge_patch import changes

sql = load(__package__)

MOST = 20
"""Questions of one event."""


class TooMany(Conflict):
    """An event asks at most 20 questions."""

    type = "too-many"


async def listed(tx: Transaction, viewer: Viewer, event: str) -> str:
    """All of them as JSON, for everybody who may buy."""
    found = await selling.seen(tx, viewer, event)
    text: str = await tx.value(sql.list_questions, event=found.id)
    return text


async def add(tx: Transaction, viewer: Viewer, event: str, new: NewQuestion) -> str:
    """Raises NotOpen before the event sells anything."""
    _check(new.choices)
    found = await selling.run(tx, viewer, event)
    if found.currency is None:
        raise selling.NotOpen
    if await tx.value(sql.count_questions, event=found.id) >= MOST:
        raise TooMany
    made = await tx.value(
        sql.add_question,
        event=found.id,
        label=new.label,
        kind=new.kind,
        choices=new.choices,
        required=new.required,
        place=new.place,
    )
    return await _document(tx, made)


async def edit(tx: Transaction, viewer: Viewer, question: UUID, patch: QuestionChanges) -> str:
    """Answers given before stay as they were given."""
    if patch.choices is not UNSET:
        _check(patch.choices)
    await selling.run_by_id(tx, viewer, await tx.value(sql.get_event_of_question, id=question))
    await tx.execute(sql.change_question, id=question, changes=changes(patch))
    return await _document(tx, question)


async def remove(tx: Transaction, viewer: Viewer, question: UUID) -> None:
    await selling.run_by_id(tx, viewer, await tx.value(sql.get_event_of_question, id=question))
    await tx.execute(sql.remove_question, id=question)


def _check(choices: list[str]) -> None:
    if len(set(choices)) < len(choices):
        raise Invalid.at("/choices", "names the same one twice")


async def _document(tx: Transaction, question: UUID) -> str:
    text: str = await tx.value(sql.get_question, id=question)
    return text
