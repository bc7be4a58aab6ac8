"""What a file may cost: rules that never come true are found out quickly, and strangers' files are not read."""

import time
from datetime import datetime
from typing import Any

import pytest
from cast import Person

from vently.events import import_api
from vently.events.importing import recurrence
from vently.events.importing.entries import Unreadable

MONDAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a rule is local


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;BYSETPOS=366",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    ],
)
def test_a_rule_that_never_comes_true_is_refused_quickly(rule: str) -> None:
    began = time.process_time()
    with pytest.raises(Unreadable, match="never comes true"):
        recurrence.checked(rule, MONDAY)
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;INTERVAL=3;BYMONTH=2;BYMONTHDAY=29",
        "FREQ=YEARLY;INTERVAL=1000;BYDAY=1MO",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TH",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU;WKST=SU",
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    ],
)
def test_a_rule_that_comes_true_is_kept(rule: str) -> None:
    assert recurrence.checked(rule, MONDAY) == rule


@pytest.mark.parametrize("year", [1970, 2096, 2199])
def test_leap_days_come_true_in_any_year(year: int) -> None:
    rule = "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29"
    assert recurrence.checked(rule, MONDAY.replace(year=year)) == rule


async def test_a_strangers_file_is_not_read(dana: Person, carol: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: Any, **__: Any) -> None:
        pytest.fail("the file was read")

    monkeypatch.setattr(import_api, "read", read)
    refused = await carol.post(
        f"/api/communities/{dana.community}/imports", files={"file": ("a.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")}
    )
    assert (refused.status_code, "organisers" in refused.json()["detail"]) == (403, True)
