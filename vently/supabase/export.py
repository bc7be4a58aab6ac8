"""Vently's schema as a Supabase CLI project: `supabase db push` then does what `vently migrate` does."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from vently.database.schema import (
    FORGET_RULES,
    HISTORY,
    MIGRATIONS,
    RECORD_RULES,
    TURN,
    CannotMigrate,
    Room,
    Schema,
    Text,
)

CONFIG = """\
# Written once by `vently supabase export`; yours to change.
project_id = "vently"

[api]
schemas = ["public"]
extra_search_path = ["public", "extensions"]
max_rows = 1000

[db]
major_version = 17
"""

BEGINNING = f"""\
-- Written by `vently supabase export`. Do not edit: change Vently's own files and export again.

set local lock_timeout = '10s';
select pg_advisory_xact_lock({TURN}); -- nodes that run `vently migrate` wait

{HISTORY}
{FORGET_RULES}"""

# The last migration's timestamp plus one, a number that counts up, and digits of the content: a later text sorts later,
# by version and by file name, and another text hardly ever shares a version. The CLI takes at most 19 digits.
_RULES_NAME = re.compile(r"(\d{14})(\d{2})\d{3}_rules\.sql")
_DIGEST = re.compile(r"^-- rules ([0-9a-f]{64})$", re.MULTILINE)


def export(directory: Path, rooms: Sequence[Room], *, migrations: Path = MIGRATIONS) -> list[Path]:
    """Write what is not there yet and return those files. Keep the folder: the CLI wants every file it has pushed.

    Raises CannotMigrate when the folder has another text of a migration.
    """
    schema = Schema.read(migrations, rooms)
    folder = directory / "supabase" / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    files = [(directory / "supabase" / "config.toml", CONFIG)]
    files += [_migration(folder, text) for text in schema.migrations]
    files += _rules(folder, schema)
    new = [(path, text) for path, text in files if not path.exists()]
    for path, text in new:
        path.write_text(text, encoding="utf-8", newline="\n")
    return [path for path, _ in new]


def _migration(folder: Path, text: Text) -> tuple[Path, str]:
    path = folder / f"{text.name}.sql"
    if path.exists() and text.sql not in path.read_text(encoding="utf-8"):
        raise CannotMigrate(f"{path} is not Vently's {path.name}: export to another folder, or put its text back.")
    already = f"""\
do $$
begin
  if exists (select from private.schema_history where kind = 'migration' and name = '{text.name}') then
    raise exception '{text.name} was applied by `vently migrate`: tell the CLI so, once, with `supabase migration repair --status applied {text.timestamp}`.';
  end if;
end $$;"""  # noqa: E501  (one sentence)
    return path, "\n".join([BEGINNING, already, "", _ended(text.sql), "", _record(text), ""])


def _rules(folder: Path, schema: Schema) -> list[tuple[Path, str]]:
    """Nothing when the newest rules in the folder are these."""
    timestamp = f"{int(schema.migrations[-1].timestamp) + 1:014}" if schema.migrations else "0" * 14
    texts = [*schema.migrations, *schema.rules]
    digest = sha256("\n".join(f"{text.kind} {text.name} {text.sha256}" for text in texts).encode()).hexdigest()
    exported = sorted(path for path in folder.glob("*_rules.sql") if _RULES_NAME.fullmatch(path.name))
    number = 0
    if exported:
        newest = exported[-1]
        if _DIGEST.findall(newest.read_text(encoding="utf-8"))[-1:] == [digest]:
            return []
        before, count = _RULES_NAME.fullmatch(newest.name).groups()  # type: ignore[union-attr]  # matched above
        number = int(count) + 1 if before == timestamp else 0
    path = folder / f"{timestamp}{number:02}{int(digest, 16) % 1000:03}_rules.sql"
    pieces = [BEGINNING, f"-- rules {digest}", ""]
    for text in schema.rules:
        pieces += [f"-- The rules of {text.name}", "", _ended(text.sql), "", _record(text), ""]
    names = ", ".join(f"'{text.name}'" for text in schema.rules)
    gone = f"delete from private.schema_history where kind = 'rules' and name <> all (array[{names}]::text[]);"  # noqa: S608
    return [(path, "\n".join([*pieces, gone, "", RECORD_RULES]))]


def _record(text: Text) -> str:
    return f"""\
insert into private.schema_history (kind, name, sha256)
values ('{text.kind}', '{text.name}', '{text.sha256}')
on conflict (kind, name) do update set sha256 = excluded.sha256, applied_at = excluded.applied_at;"""  # noqa: S608  (Schema.read checked the names)


def _ended(sql: str) -> str:
    sql = sql.rstrip()
    return sql if sql.endswith(";") else f"{sql}\n;"
