"""A copy of the conferences with twenty broken entries, and bytes that no program ever wrote."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vently.events.importing import NotReadable, read

DATA = Path(__file__).parents[2] / "data"

DAMAGES = (
    ("its title is gone", r"SUMMARY:.*\r\n", "", "title"),
    ("its start is gone", r"DTSTART.*\r\n", "", "DTSTART"),
    ("its start is no date", r"DTSTART;VALUE=DATE:.*", "DTSTART;VALUE=DATE:soon", "DTSTART"),
    ("there is no such day", r"DTSTART;VALUE=DATE:.*", "DTSTART;VALUE=DATE:20250230", "DTSTART"),
    ("it starts in the year 9999", r"DTSTART;VALUE=DATE:....", "DTSTART;VALUE=DATE:9999", "DTSTART"),
    ("it starts in the year 0", r"DTSTART;VALUE=DATE:....", "DTSTART;VALUE=DATE:0000", "DTSTART"),
    ("it starts twice", r"(DTSTART.*\r\n)", r"\1\1", "twice"),
    ("it ends before it starts", r"DTEND;VALUE=DATE:....", "DTEND;VALUE=DATE:2020", "before"),
    ("its end has a time", r"DTEND;VALUE=DATE:(.*)\r", "DTEND:\\1T100000Z\r", "DTEND"),
    ("its zone is unknown", r"DTSTART;VALUE=DATE:(.*)\r", "DTSTART;TZID=Mars/Base:\\1T100000\r", "Mars/Base"),
    ("a line has no colon", r"(SUMMARY:.*\r\n)", "\\1garbage without a colon\r\n", "garbage"),
    ("its END is gone", r"END:VEVENT\r\n", "", "END:VEVENT"),
    ("its BEGIN is gone", r"BEGIN:VEVENT\r\n", "", "BEGIN:VEVENT"),
    ("a control character is in it", r"SUMMARY:", "SUMMARY:\x07", "control character"),
    ("its bytes are not UTF-8", r"SUMMARY:", "SUMMARY:\udcff", "UTF-8"),
    ("its title is huge", r"SUMMARY:", "SUMMARY:" + "x" * 100_000, "characters"),
    ("it recurs by nonsense", r"(UID:.*\r\n)", "\\1RRULE:FREQ=NEVER\r\n", "RRULE"),
    ("it lies off the earth", r"(UID:.*\r\n)", "\\1GEO:123;456\r\n", "GEO"),
    ("its address is a script", r"URL:.*", "URL:javascript:alert(1)", "http"),
    ("its sequence is no number", r"(UID:.*\r\n)", "\\1SEQUENCE:many\r\n", "SEQUENCE"),
)


def test_twenty_kinds_of_damage_are_each_named_and_the_rest_is_read(places, calendar_file):
    entries = re.split(r"(?=BEGIN:VEVENT\r\n)", calendar_file.read_bytes().decode())
    once = [at for at, entry in enumerate(entries) if at and sum(_uid(entry) in other for other in entries) == 1]
    hurt = dict(zip(once[5::7], DAMAGES, strict=False))
    assert len(hurt) == len(DAMAGES) == 20
    whole = {_uid(entry): entry for entry in entries[1:]}
    for at, (_, found, instead, _) in hurt.items():
        entries[at], changed = re.subn(found, instead, entries[at], count=1)
        assert changed
    data = "".join(entries).encode("utf-8", "surrogateescape")
    reading = read(data, "damaged.ics", places=places)
    assert len(reading.events) == 466 - 20
    assert len(reading.refused) == 20
    by_uid = {entry.uid: entry for entry in reading.refused}
    lines = data.split(b"\n")
    for at, (kind, _, _, says) in hurt.items():
        refused = by_uid[_uid(entries[at])]
        assert says in refused.reason, kind
        begins = next(
            n for n, line in enumerate(lines, 1) if line.decode(errors="replace").startswith(f"UID:{_uid(entries[at])}")
        )
        assert abs(refused.line - begins) <= 8, kind
    assert {event.uid for event in reading.events} == set(whole) - set(by_uid)


def _uid(entry: str) -> str:
    return re.search(r"UID:(.*)\r", entry)[1]


PIECES = st.sampled_from(
    """BEGIN:VCALENDAR|END:VCALENDAR|BEGIN:VEVENT|END:VEVENT|BEGIN:VALARM|END:VALARM|BEGIN:VTIMEZONE|END:VTIMEZONE
    |BEGIN:STANDARD|END:STANDARD|TZID:X|TZOFFSETFROM:+0100|TZOFFSETTO:+9900|TZOFFSETTO:+0200|DTSTART:20250301T100000Z
    |DTSTART;TZID=X:20250301T100000|DTSTART;VALUE=DATE:20250301|DTEND:20250301T110000Z|DURATION:PT1H|DURATION:P999999D
    |SUMMARY:A|UID:1|RRULE:FREQ=DAILY|RRULE:FREQ=DAILY;BYDAY=MO;COUNT=2|RDATE:20250401T100000Z|GEO:1;2|CATEGORIES:a,b
    |EXDATE;TZID=X:20250401T100000|LOCATION:Berlin|RECURRENCE-ID:20250301T100000Z|STATUS:CANCELLED| folded|\tfold||::::
    |X;A="b:c|X-WR-TIMEZONE:Europe/Berlin|X-WR-TIMEZONE:\0|name,start,end|a,2025-03-01,|"|</script>
    |{"@type":"Event","name":"a","startDate":"2025-03-01"}|<script type="application/ld+json">""".replace(
        "\n    |", "|"
    ).split("|")
)
SOUP = st.lists(PIECES | st.text(max_size=30), max_size=40).map(
    lambda parts: "\n".join(parts).encode("utf-8", "surrogatepass")
)
NAMES = st.sampled_from(["a.ics", "a.csv", "a.tsv", "a.html", "a.json", "a", "a.txt", "", "\0", "a.exe"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | SOUP | SOUP.map(lambda soup: b"BEGIN:VCALENDAR\n" + soup), name=NAMES)
def test_no_bytes_raise_anything_but_the_one_refusal(places, data, name):
    try:
        reading = read(data, name, places=places)
    except NotReadable:
        return
    for entry in reading.refused:
        assert entry.line >= 1
        assert entry.reason
        f"{entry.reason}{entry.uid}".encode()  # fit to be shown
    for event in reading.events:
        assert event.title
        assert event.starts_at <= event.ends_at


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.integers(200, 20_000), cut=st.integers(0, 200), put=st.binary(max_size=20), table=st.booleans())
def test_a_blow_below_the_heading_breaks_at_most_what_it_hits(places, at, cut, put, table):
    file = DATA / ("conferences-2025.csv" if table else "conferences-2025.ics")
    data = file.read_bytes()[:20_000]
    reading = read(data[:at] + put + data[at + cut :], file.name, places=places)
    assert len(reading.events) + len(reading.refused) > 40
    assert len(reading.refused) <= 25
