"""What the doctor finds: one thing in a sentence, and how to mend it."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from rich.console import Console
from rich.text import Text

from vently.commands.printing import print_json

State = Literal["fine", "note", "wrong"]
_SIGNS = {"fine": ("✓", "green"), "note": ("•", "yellow"), "wrong": ("✗", "red")}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A `note` is worth knowing and no fault; only what is `wrong` needs mending."""

    check: str
    state: State
    said: str
    mend: str = ""


def fine(check: str, said: str) -> Finding:
    return Finding(check, "fine", said)


def note(check: str, said: str, mend: str = "") -> Finding:
    return Finding(check, "note", said, mend)


def wrong(check: str, said: str, mend: str = "") -> Finding:
    return Finding(check, "wrong", said, mend)


def report(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print them; the exit code."""
    faults = sum(finding.state == "wrong" for finding in findings)
    if as_json:
        print_json({"healthy": not faults, "checks": findings})
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            console.print(_line(finding, plain=not console.encoding.lower().startswith("utf")))
        console.print("Nothing is wrong." if not faults else f"{faults} to mend.", style="bold")
    return 1 if faults else 0


def _line(finding: Finding, *, plain: bool) -> Text:
    sign, colour = _SIGNS[finding.state]
    line = Text.assemble((finding.state if plain else sign, f"bold {colour}"), f" {finding.said}")
    if finding.mend:
        line.append(f"\n  {finding.mend}", style=colour)
    return line
