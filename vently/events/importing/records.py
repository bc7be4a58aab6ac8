"""A table's records: quoted cells may run over lines, but a quote left open must not swallow the rest of the file."""

import csv
from collections.abc import Iterator

from msgspec import Struct

from vently.events.importing.entries import MAX_ROW_BYTES, NotReadable, Unreadable

LONGEST = 500
"""Lines that one record may run over."""


class Record(Struct, frozen=True):
    """One row and the line (from 1) it begins on; `trouble` says why it has no cells."""

    line: int
    cells: list[str]
    trouble: str | None = None


def records(text: str) -> tuple[list[str], Iterator[Record]]:
    """The heading's cells, and the rows after it. Raises NotReadable without a heading."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((at for at, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise NotReadable("The table is empty: it needs a first line that names its columns.")
    delimiter = max(",;\t|", key=lines[first].count)
    try:
        heading = _cells(lines[first : first + 1], delimiter)
    except (Unreadable, csv.Error) as error:
        raise NotReadable(f"Line {first + 1} does not name the table's columns; it cannot be read.") from error
    return heading, _rows(lines, first + 1, delimiter, len(heading))


def _rows(lines: list[str], at: int, delimiter: str, width: int) -> Iterator[Record]:
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        taken, record = _record(lines, at, delimiter, width)
        yield record
        at += taken


def _record(lines: list[str], at: int, delimiter: str, width: int) -> tuple[int, Record]:
    """How many lines the record takes, and the record. One that does not fit its columns takes only its first line."""
    taken, quotes, size = 1, lines[at].count('"'), len(lines[at])
    while quotes % 2 and taken < LONGEST and size <= MAX_ROW_BYTES and at + taken < len(lines):
        quotes += lines[at + taken].count('"')
        size += len(lines[at + taken])
        taken += 1
    try:
        return taken, Record(at + 1, _fitting(_cells(lines[at : at + taken], delimiter), width))
    except Unreadable as error:
        return 1, Record(at + 1, [], error.reason)


def _fitting(cells: list[str], width: int) -> list[str]:
    """As many cells as the heading has (RFC 4180, 2.4); only empty ones may be over."""
    if len(cells) < width or any(cells[width:]):
        raise Unreadable(f"The row has {len(cells)} cells, but the table has {width} columns.")
    return cells


def _cells(lines: list[str], delimiter: str) -> list[str]:
    text = "\n".join(lines)
    if len(text) > MAX_ROW_BYTES:
        raise Unreadable(f"The row is too long: more than {MAX_ROW_BYTES:,} characters.")
    if text.count('"') % 2:
        raise Unreadable("A quotation mark is opened and never closed.")
    try:
        found = list(csv.reader([f"{line}\n" for line in lines], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise Unreadable(f"The row's quotation marks are misplaced ({error}).") from error
    if len(found) != 1:
        raise Unreadable("The row's quotation marks are misplaced.")
    return [cell.strip() for cell in found[0]]
