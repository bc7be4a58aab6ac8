"""The statements: who writes which table, which are used, and that none is built from strings."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from vently.database import queries

HOUSE = Path(__file__).parents[2] / "vently"
_NOISE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITE = re.compile(
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?([a-z_]+\.[a-z_]+)"
)
_OWNS = re.compile(r"\bon\s+((?:public|private)\.[a-z_]+)\s+for\s+(?:select|insert|update|delete|all)\b")
_SPEAKS_SQL = re.compile(
    r"""\s*(?: select\b.+\bfrom\b | insert\s+into\b | update\b.+\bset\b | delete\s+from\b | with\b.+\bas\s*\(
           | set\s+local\b | begin\s*; | create\s+(?:table|index)\b | alter\s+\w | drop\s+\w )""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)

SYSTEM_WITHIN = {
    "database/connections.py",
    "database/pool.py",
    "cli.py",
    "commands",
    "demo",
    "privacy",
    "jobs",
    "tickets/issued/jobs.py",
    "tickets/till/jobs.py",
    "tickets/payments/attempts.py",
    "tickets/payments/hooks.py",
    "tickets/payments/jobs.py",
    "tickets/payments/payouts.py",
    "tickets/payments/pretending.py",
    "tickets/payments/reconciling.py",
    "tickets/payments/settling.py",
    "tickets/refunds/cancelled.py",
    "tickets/refunds/jobs.py",
    "tickets/refunds/sending.py",
}
"""Where a transaction past row-level security may be opened: webhooks, jobs, privacy, the till, the command line."""
WRITES_ELSEWHERE = {
    "demo": {"auth.users", "public.memberships", "public.community_follows", "public.person_follows", "public.rsvps"},
}
"""The demo town writes hundreds of rows at a time, as the people themselves: row-level security judges each."""
HOLD_SQL = {
    "database/connections.py",
    "database/embedded.py",
    "database/errors.py",
    "database/migrate.py",
    "supabase/export.py",
}
"""Where SQL stands in Python: the words that open a viewer's transaction, and what makes a schema."""


def rooms() -> dict[str, Path]:
    """Every `queries.sql` by the package it belongs to."""
    return {str(path.parent.relative_to(HOUSE)): path for path in sorted(HOUSE.rglob("queries.sql"))}


def owners() -> dict[str, str]:
    """Tables by the room whose rules say who may do what to them; a platform schema belongs to `supabase/<schema>`."""
    owned: dict[str, str] = {}
    for rules in HOUSE.glob("*/rules.sql"):
        for table in set(_OWNS.findall(_bare(rules.read_text()))):
            assert owned.setdefault(table, rules.parent.name) == rules.parent.name, f"{table} has rules in two rooms"
    for rules in HOUSE.glob("*/*/rules.sql"):  # of a subject, which may also show more of another room's table
        for table in set(_OWNS.findall(_bare(rules.read_text()))):
            owned.setdefault(table, rules.parent.parent.name)
    return owned


def foreign_writes(package: str, text: str, owned: dict[str, str]) -> list[str]:
    """Writes to tables of other rooms."""
    return [
        f"{package} writes {table}"
        for table in _WRITE.findall(_bare(text))
        if not f"{package}/".startswith(f"{owned.get(table, 'supabase/' + table.partition('.')[0])}/")
        and table not in WRITES_ELSEWHERE.get(package, ())
    ]


def _bare(sql: str) -> str:
    return _NOISE.sub("''", sql).lower()


@pytest.mark.parametrize("package", rooms())
def test_only_the_owning_room_writes_a_table(package: str) -> None:
    assert foreign_writes(package, rooms()[package].read_text(), owners()) == []


def test_a_write_to_another_rooms_table_is_found() -> None:
    owned = owners()
    assert owned["public.rsvps"] == "events"
    assert owned["public.memberships"] == "communities"
    for planted in (
        "insert into public.rsvps (event_id) values (:event)",
        "with gone as (delete from only public.rsvps r returning *) select 1",
        "UPDATE public.rsvps\n   set status = 'going'",
        "insert into auth.users (id) values (:id)",
    ):
        assert len(foreign_writes("people", planted, owned)) == 1, planted
    assert foreign_writes("events", "select 'update public.profiles' -- delete from public.profiles", owned) == []


def test_every_table_belongs_to_a_room() -> None:
    migrations = "\n".join(path.read_text() for path in (HOUSE / "database/migrations").glob("*.sql"))
    made = set(re.findall(r"create table (?:if not exists )?((?:public|private)\.\w+)", _bare(migrations)))
    assert made == set(owners())


@pytest.mark.parametrize("package", rooms())
def test_every_statement_is_used_and_none_is_missing(package: str) -> None:
    written = set(vars(queries.parse(rooms()[package].read_text())))
    asked = Counter(name for path in modules(HOUSE / package) for name in statements_asked(ast.parse(path.read_text())))
    assert written - set(asked) == set(), "not used by anybody"
    assert set(asked) - written == set(), "not written"


def statements_asked(tree: ast.Module) -> list[str]:
    """The names behind `sql.` in a module that loads its room's statements as `sql`."""
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sql"
    ]


def test_statements_are_asked_by_their_own_room_alone() -> None:
    for path in modules(HOUSE):
        room = ".".join(path.relative_to(HOUSE.parent).parent.parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and "sql" in [name.name for name in node.names]:
                assert (node.module or "").startswith(room), f"{path} takes the statements of another room"


def test_no_statement_is_built_from_strings() -> None:
    found = {str(path.relative_to(HOUSE)) for path in modules(HOUSE) if any(sql_in(ast.parse(path.read_text())))}
    assert found == HOLD_SQL


def test_a_statement_built_from_strings_is_found() -> None:
    for planted in (
        'query = f"select * from events where id = {event}"',
        '"delete from events where id = %s" % event',
        '"insert into events values ({})".format(event)',
        '"update events" + " set title = 1"',
        "tx.execute('with a as (select 1) select 2')",
    ):
        assert any(sql_in(ast.parse(planted))), planted
    assert not any(sql_in(ast.parse('"""select one from the list."""\nsay("Update your profile first.")')))


def sql_in(tree: ast.Module) -> Iterator[str]:
    """Texts that are statements; sentences that only begin like one, and docstrings, are none."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp) and id(node) not in docstrings:
            text = _text(node)
            if _SPEAKS_SQL.match(text):
                yield text


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left) + _text(right)
        case ast.FormattedValue():
            return "{}"
    return ""


def test_the_system_acts_in_few_places() -> None:
    found = {
        str(path.relative_to(HOUSE))
        for path in modules(HOUSE)
        if re.search(r"\b(?:acting_as_system|acting_as_role|SYSTEM)\b", path.read_text())
    }
    strangers = {path for path in found if path not in SYSTEM_WITHIN and path.split("/")[0] not in SYSTEM_WITHIN}
    assert strangers == {"supabase/auth/auth.py"}, "sign-in alone acts as the owner of its tables"


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))
