"""The same statements by pgbench: what Postgres does when nothing stands before it."""

import re
import subprocess
from pathlib import Path

from vently.database.cluster_birth import programs
from vently.database.queries import Query

_OPENING = """begin;
set local role ROLE;
select set_config('statement_timeout', '8s', true), set_config('request.jwt.claims', CLAIMS, true),
  set_config('request.jwt.claim.sub', PERSON, true), set_config('request.jwt.claim.role', 'ROLE', true),
  set_config('request.jwt.claim.email', '', true), set_config('vently.link', LINK, true),
  set_config('vently.site', 'http://127.0.0.1:8000', true);
"""
_PERSON = "'00000000-0000-7000-8000-' || lpad(:person::text, 12, '0')"
_SESSION = "'00000000-0000-0000-0000-' || lpad(to_hex(:person::int), 12, '0')"
_CLAIMS = f"""'{{"sub":"' || {_PERSON} || '","session_id":"' || {_SESSION} || '","role":"authenticated"}}'"""
GIG = "'gig-' || :gig"


def as_visitor(link: str = "") -> str:
    """The words that open a visitor's transaction (vently/database/pool.py)."""
    return _filled({"ROLE": "anon", "CLAIMS": '\'{"role":"anon"}\'', "PERSON": "''", "LINK": link or "''"})


def as_person(people: int) -> str:
    """The words that open the transaction of somebody who looks at some gig."""
    return (
        f"\\set person random(1, {people})\n"
        + _filled({"ROLE": "authenticated", "CLAIMS": _CLAIMS, "PERSON": _PERSON, "LINK": GIG})
        + "select private.check_viewer();\n"
    )


def _filled(values: dict[str, str]) -> str:
    text = _OPENING
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def statement(query: Query, **values: str) -> str:
    """The query with SQL in place of its parameters; those not given are null."""
    return re.sub(r"\$(\d+)", lambda found: values.get(query.parameters[int(found[1]) - 1], "null"), query.text)


def run(url: str, script: str, *, clients: int, seconds: int, scratch: Path) -> float:
    """Transactions a second."""
    file = scratch / "script.sql"
    file.write_text(script)
    command = [
        programs(None) / "pgbench",
        "-n",
        "-M",
        "prepared",
        "-c",
        clients,
        "-j",
        1,
        "-T",
        seconds,
        "-f",
        file,
        url,
    ]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode or found is None:
        raise RuntimeError(f"pgbench: {done.stderr[-2000:]}")
    return float(found[1])
