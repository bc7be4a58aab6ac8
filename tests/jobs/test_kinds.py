"""Kinds of jobs: whatever is asked for somewhere has a handler, or it would wait for ever and nobody would know."""

import re
from pathlib import Path

import pytest

from vently.tickets import jobs

HOUSE = Path(__file__).parents[2] / "vently"
_ASKED = re.compile(r"""\benqueue(?:_many)?\(\s*(?:tx,\s*)?(['"])(?P<kind>[a-z][a-z0-9 _-]*)\1""")


def asked(text: str) -> set[str]:
    """The kinds that this SQL or Python asks for."""
    return {found["kind"] for found in _ASKED.finditer(text)}


def everywhere() -> dict[str, set[str]]:
    """Kinds by the file that asks for them."""
    paths = [path for ending in ("sql", "py") for path in sorted(HOUSE.rglob(f"*.{ending}"))]
    found = {str(path.relative_to(HOUSE)): asked(path.read_text()) for path in paths}
    found.pop("jobs/rules.sql")  # an example
    return {path: kinds for path, kinds in found.items() if kinds}


def test_what_is_asked_for_has_a_handler() -> None:
    strays = {path: kinds - set(jobs.HANDLERS) for path, kinds in everywhere().items()}
    assert {path: kinds for path, kinds in strays.items() if kinds} == {}


def test_what_is_handled_is_asked_for_or_on_the_timetable() -> None:
    wanted = set().union(*everywhere().values()) | {entry.kind for entry in jobs.TIMETABLE}
    assert set(jobs.HANDLERS) - wanted == set()


@pytest.mark.parametrize(
    "text",
    [
        "perform private.enqueue('mail it', jsonb_build_object('id', new.id));",
        "select private.enqueue_many(\n  'mail it', payloads)",
        'await queue.enqueue(tx, "mail it", {})',
        'await enqueue_many(\n        tx, "mail it", [{}])',
    ],
)
def test_each_way_of_asking_is_found(text: str) -> None:
    assert asked(text) == {"mail it"}
