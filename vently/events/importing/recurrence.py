"""Recurrence rules (RFC 5545, 3.3.10): checked part by part, so that expanding them later always ends."""

import re
from datetime import MAXYEAR, datetime, timedelta

from vently.events.importing.entries import Unreadable

MAX_LENGTH = 500
MAX_COUNT = 5_000
COMES_WITHIN = timedelta(days=366 * 9)
"""A rule must come true within nine years of its start (a leap day is at most eight away): `30 February` never does."""
MOST_YEARS = 50
"""A rule of every so many years gets so many times longer."""

_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_DAYS = "MO|TU|WE|TH|FR|SA|SU"
_LISTS = {
    "BYMONTH": (1, 12), "BYMONTHDAY": (-31, 31), "BYYEARDAY": (-366, 366), "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366), "BYHOUR": (0, 23),
}  # fmt: skip
_SINGLE = {"INTERVAL": (1, 1000), "COUNT": (1, MAX_COUNT), "BYMINUTE": (0, 59), "BYSECOND": (0, 59)}
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?")
_WEEKDAYS = re.compile(rf"([+-]?[1-9][0-9]?)?({_DAYS})")


def checked(rule: str, start: datetime) -> str:
    """The rule in upper case without blanks or a trailing semicolon. Raises Unreadable. `start` is local and naive."""
    text = re.sub(r"\s+", "", rule).removeprefix("RRULE:").strip(";").upper()
    if len(text) > MAX_LENGTH:
        raise Unreadable(f"RRULE is longer than {MAX_LENGTH} characters.")
    parts: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if not equals or not value or key in parts:
            raise Unreadable(f"RRULE is not a recurrence rule: {_short(part)} is no NAME=VALUE of its own.")
        parts[key] = value
    for key, value in parts.items():
        _check(key, value)
    if "FREQ" not in parts:
        raise Unreadable("RRULE does not say how often: it needs FREQ=DAILY, WEEKLY, MONTHLY or YEARLY.")
    if "COUNT" in parts and "UNTIL" in parts:
        raise Unreadable("RRULE has both COUNT and UNTIL; only one may stand.")
    _comes_true(text, parts, start)
    return text


def _check(key: str, value: str) -> None:
    if key == "FREQ":
        if value not in _FREQUENCIES:
            raise Unreadable(f"RRULE has FREQ={_short(value)}; events recur DAILY, WEEKLY, MONTHLY or YEARLY.")
        return
    if key in _LISTS:
        first, last = _LISTS[key]
        right = all(_whole(item, first, last) for item in value.split(","))
    elif key == "BYDAY":
        right = all(_WEEKDAYS.fullmatch(item) for item in value.split(","))
    elif key in _SINGLE:
        right = _whole(value, *_SINGLE[key])
    elif key == "UNTIL":
        right = _UNTIL.fullmatch(value) is not None
    else:
        right = key == "WKST" and value in _DAYS.split("|")
    if not right:
        raise Unreadable(f"RRULE has {_short(key)}={_short(value)}, which is not allowed there.")


def _comes_true(text: str, parts: dict[str, str], start: datetime) -> None:
    from dateutil.rrule import rrulestr

    # UNTIL and COUNT are left out: dateutil insists that UNTIL has DTSTART's kind, which calendars do not keep to.
    bare = ";".join(f"{key}={value}" for key, value in parts.items() if key not in {"UNTIL", "COUNT"})
    years = min(int(parts.get("INTERVAL", "1")), MOST_YEARS) if parts["FREQ"] == "YEARLY" else 1
    late = _near_the_end_of_time(start, 9 * years)
    try:
        first = next(iter(rrulestr(bare, dtstart=late)), None)
        until = datetime.strptime(parts.get("UNTIL", "99991231")[:8], "%Y%m%d")  # noqa: DTZ007 - a day, not an instant
    except (ValueError, OverflowError, TypeError) as error:
        raise Unreadable(f"RRULE is not a recurrence rule: {_short(text)}.") from error
    if until.date() < start.date():
        raise Unreadable("RRULE ends (UNTIL) before the event starts.")
    if first is None or first - late > COMES_WITHIN * years:
        raise Unreadable(f"RRULE never comes true: {_short(text)}.")


def _near_the_end_of_time(start: datetime, years: int) -> datetime:
    """The same day at least so many years before the calendar ends, where dateutil gives up a search (seconds of work).

    The calendar repeats every 400 years, weekdays too.
    """
    return start.replace(year=start.year + max(0, (MAXYEAR - years - 1 - start.year) // 400) * 400)


def _whole(item: str, first: int, last: int) -> bool:
    if not re.fullmatch(r"[+-]?[0-9]{1,4}", item):
        return False
    return first <= int(item) <= last and (int(item) != 0 or first == 0)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"  # noqa: PLR2004 - so that the sentence stays one line
