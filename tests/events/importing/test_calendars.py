"""Reading .ics files: what every calendar program writes, and what none should."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import asdict

from vently.events.importing import NotReadable, ReadVenue, read

ZONE = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def zone_called(name):
    return ZONE.format(name=name)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_conferences_are_466_events_of_628_rows_and_none_is_refused(places, calendar_file):
    seen = []
    reading = read(calendar_file, places=places, on_row=lambda done, total: seen.append((done, total)))
    assert (len(reading.events), reading.rows, reading.refused) == (466, 628, ())
    assert len({event.uid for event in reading.events}) == 466
    assert seen[0] == (1, 628)
    assert seen[-1] == (628, 628)
    online = [event for event in reading.events if event.venue is None]
    assert len(online) == 58
    assert all(event.online and event.timezone == "UTC" for event in online)
    located = [event for event in reading.events if event.venue and event.venue.lat is not None]
    assert len(located) == 466 - 58 - 2  # two are at the Nürburgring, which no list of cities has


def test_a_whole_day_lasts_from_midnight_to_midnight_where_it_happens(reads, calendar):
    text = calendar(
        "LOCATION:Gothenburg\\, Sweden", **{"DTSTART": None, "DTSTART;VALUE=DATE": "20250329"}, DTEND="20250331"
    )
    event = reads(text.replace("DTEND:", "DTEND;VALUE=DATE:")).events[0]
    assert event.all_day
    # The clocks go forward on the 30th: two days have 47 hours.
    assert (event.starts_at, event.ends_at) == (utc(2025, 3, 28, 23), utc(2025, 3, 30, 22))
    assert event.timezone == "Europe/Stockholm"
    assert event.venue == ReadVenue(None, None, "Gothenburg", "Sweden", 57.70716, 11.96679)


@pytest.mark.parametrize("end", [(), ("DTEND;VALUE=DATE:20250329",), ("DURATION:P1D",)])
def test_a_day_without_an_end_or_with_itself_as_its_end_is_one_day(reads, calendar, end):
    event = reads(calendar(*end, **{"DTSTART": None, "DTSTART;VALUE=DATE": "20250329"})).events[0]
    assert (event.starts_at, event.ends_at) == (utc(2025, 3, 29), utc(2025, 3, 30))


@pytest.mark.parametrize(
    ("start", "head", "expected"),
    [
        (":20250301T180000Z", "", (utc(2025, 3, 1, 18), "Asia/Tokyo")),
        (":20250301T180000", "", (utc(2025, 3, 1, 9), "Asia/Tokyo")),
        (";TZID=Europe/Berlin:20250301T180000", "", (utc(2025, 3, 1, 17), "Europe/Berlin")),
        (";TZID=europe/berlin:20250301T180000", "", (utc(2025, 3, 1, 17), "Europe/Berlin")),
        (";TZID=W. Europe Standard Time:20250301T180000", "", (utc(2025, 3, 1, 17), "Europe/Berlin")),
        (';TZID="Pacific Standard Time":20250301T180000', "", (utc(2025, 3, 2, 2), "America/Los_Angeles")),
        (";TZID=/vendor.test/Europe/Oslo:20250301T180000", "", (utc(2025, 3, 1, 17), "Europe/Oslo")),
        (":20250301T180000", "X-WR-TIMEZONE:America/New_York", (utc(2025, 3, 1, 23), "America/New_York")),
        (":20250301T180000Z", "X-WR-TIMEZONE:America/New_York", (utc(2025, 3, 1, 18), "America/New_York")),
        (":20250301T180000", "X-WR-TIMEZONE:UTC", (utc(2025, 3, 1, 18), "UTC")),
        (";TZID=Our own:20250301T180000", zone_called("Our own"), (utc(2025, 3, 1, 17), "Europe/Berlin")),
        (";TZID=Our own:20250701T180000", zone_called("Our own"), (utc(2025, 7, 1, 16), "Europe/Berlin")),
        (
            ";TZID=Ours:20250301T180000",
            zone_called("Ours\nX-LIC-LOCATION:Europe/Vienna"),
            (utc(2025, 3, 1, 17), "Europe/Vienna"),
        ),
    ],
)
def test_the_clock_is_the_entrys_the_calendars_or_the_communitys(reads, calendar, start, head, expected):
    text = calendar(f"DTSTART{start}", heads=(head,), DTSTART=None)
    event = reads(text, default_timezone="Asia/Tokyo").events[0]
    assert (event.starts_at, event.timezone) == expected


def test_a_floating_time_is_told_by_its_city_or_its_coordinates(reads, calendar):
    event = reads(calendar("LOCATION:Café\\, Brooklyn\\, NY\\, U.S.A.", DTSTART="20250301T180000")).events[0]
    assert (event.timezone, event.starts_at) == ("America/New_York", utc(2025, 3, 1, 23))
    event = reads(calendar("GEO:35.68;139.69", DTSTART="20250301T180000")).events[0]
    assert (event.timezone, event.starts_at) == ("Asia/Tokyo", utc(2025, 3, 1, 9))
    assert (event.venue.lat, event.venue.lng) == (35.68, 139.69)


def test_an_end_is_given_as_a_time_or_a_length_or_not_at_all(reads, calendar):
    ends = [
        reads(calendar(line)).events[0].ends_at for line in ("DTEND:20250301T200000Z", "DURATION:PT90M", "X-NOT:there")
    ]
    assert ends == [utc(2025, 3, 1, 20), utc(2025, 3, 1, 19, 30), utc(2025, 3, 1, 18)]


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_lines_end_in_any_way_and_fold_even_within_a_character(reads, calendar, newline, mark):
    text = calendar(SUMMARY="Kraków").replace("\r\n", newline)
    data = (mark + text).encode().replace("Kraków".encode(), b"Krak\xc3" + newline.encode() + b" \xb3w")
    assert reads(data).events[0].title == "Kraków"


def test_text_is_unescaped(reads, calendar):
    event = reads(calendar(SUMMARY="A\\, B\\; C\\\\D", DESCRIPTION="one\\ntwo\\Nthree")).events[0]
    assert (event.title, event.description) == ("A, B; C\\D", "one\ntwo\nthree")


def test_a_calendar_in_windows_1252_or_utf_16_is_read(reads, calendar):
    text = calendar(SUMMARY="Übung € “später”")
    assert reads(text.encode("cp1252")).events[0].title == "Übung € “später”"
    assert reads(text.encode("utf-16")).events[0].title == "Übung € “später”"


def test_in_a_utf_8_calendar_the_entry_with_other_bytes_is_refused(reads, calendar):
    good, bad = calendar(SUMMARY="Kraków").encode(), calendar(SUMMARY="Krak?w", UID="two@test").encode()
    reading = reads(good + bad.replace(b"?", b"\xf3"))
    assert [event.title for event in reading.events] == ["Kraków"]
    assert "not valid UTF-8" in reading.refused[0].reason


def test_the_same_uid_again_adds_its_categories_and_the_highest_sequence_says_the_rest(reads, calendar):
    rows = [
        calendar("CATEGORIES:Python,Web", "SEQUENCE:1", SUMMARY="Newer", LOCATION="Berlin\\, Germany"),
        calendar("CATEGORIES:web,ai\\, ml", SUMMARY="Older", LOCATION="Paris\\, France"),
        calendar("CATEGORIES:Go", "SEQUENCE:1", "LAST-MODIFIED:20250101T000000Z", SUMMARY="Newest"),
    ]
    event = reads("".join(rows)).events[0]
    assert (event.title, event.categories, event.line) == ("Newest", ("Python", "Web", "ai ml", "Go"), 3)
    same = reads(rows[0] + rows[0].replace("Berlin", "Munich")).events[0]
    assert same.venue.city == "Berlin"


def test_an_entry_without_a_uid_gets_a_stable_one_and_joins_its_like(reads, calendar):
    first, again = (reads(calendar(UID=None, URL="https://gig.test")).events[0] for _ in range(2))
    assert first.uid == again.uid
    assert first.uid.endswith("@derived")
    other = reads(calendar(UID=None, URL="https://other.test")).events[0]
    assert other.uid != first.uid
    both = reads(calendar(UID=None, URL="https://gig.test") + calendar(URL="https://gig.test"))
    assert [(event.uid, event.derived) for event in both.events] == [("one@test", False)]


def test_cancelled_and_private_entries_say_so(reads, calendar):
    assert reads(calendar("STATUS:CANCELLED")).events[0].status == "cancelled"
    assert reads(calendar(heads=("METHOD:CANCEL",))).events[0].status == "cancelled"
    assert reads(calendar("STATUS:TENTATIVE")).events[0].status == "published"
    assert reads(calendar("CLASS:PRIVATE")).events[0].private


def test_a_series_keeps_its_rule_and_a_changed_repetition_stands_for_itself(reads, calendar):
    series = calendar(
        "RRULE:FREQ=WEEKLY;BYDAY=SA;COUNT=5", "EXDATE:20250308T180000Z", "RDATE:20250310T180000Z,20250311T180000Z"
    )
    moved = calendar("RECURRENCE-ID:20250315T180000Z", DTSTART="20250316T190000Z", SUMMARY="Moved")
    gone = calendar("RECURRENCE-ID:20250322T180000Z", "STATUS:CANCELLED", DTSTART="20250322T180000Z")
    events = {event.uid: event for event in reads(series + moved + gone).events}
    main = events["one@test"]
    assert main.rrule == "FREQ=WEEKLY;BYDAY=SA;COUNT=5"
    assert main.exdates == (utc(2025, 3, 8, 18), utc(2025, 3, 15, 18), utc(2025, 3, 22, 18))
    assert events["one@test#20250315T180000Z"].title == "Moved"
    assert events["one@test#20250315T180000Z"].starts_at == utc(2025, 3, 16, 19)
    assert events["one@test#20250311T180000Z"].starts_at == utc(2025, 3, 11, 18)
    assert len(events) == 4


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("LOCATION:Online",), (True, None, None)),
        (("LOCATION:https://meet.test/x",), (True, "https://meet.test/x", None)),
        (("LOCATION:Zoom (https://zoom.test/j/1)",), (True, "https://zoom.test/j/1", None)),
        (
            ("LOCATION:Berlin\\, Germany", "CONFERENCE;VALUE=URI:https://meet.test/x"),
            (True, "https://meet.test/x", "Berlin"),
        ),
        (("LOCATION:Berlin\\, Germany",), (None, None, "Berlin")),
    ],
)
def test_online_hybrid_and_in_person_are_told_apart(reads, calendar, lines, expected):
    event = reads(calendar(*lines)).events[0]
    assert (event.online, event.online_url, event.venue and event.venue.city) == expected


def test_an_address_keeps_its_house_and_street(reads, calendar):
    event = reads(calendar("LOCATION:Kulturhuset\\, Sergels torg 3\\, 111 57 Stockholm\\, Sweden")).events[0]
    assert asdict(event.venue) == {
        "name": "Kulturhuset", "address": "Kulturhuset, Sergels torg 3", "city": "Stockholm", "country": "Sweden",
        "lat": 59.32938, "lng": 18.06871,
    }  # fmt: skip
    assert reads(calendar("LOCATION:The back room")).events[0].venue.name == "The back room"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SUMMARY": None}, "no title"),
        ({"SUMMARY": " "}, "no title"),
        ({"SUMMARY": "x" * 201}, "201 characters; 200"),
        ({"SUMMARY": "bell\a"}, "control character (U+0007)"),
        ({"DESCRIPTION": "nul\0"}, "control character (U+0000)"),
        ({"DESCRIPTION": "x" * 50_001}, "50,001 characters"),
        ({"DTSTART": None}, "no start"),
        ({"DTSTART": "tomorrow"}, "DTSTART is 'tomorrow'"),
        ({"DTSTART": "20250230"}, "a day and time there is"),
        ({"DTSTART": "20250301T256000"}, "a day and time there is"),
        ({"DTSTART": "19691231T235959Z"}, "between 1970 and 2199"),
        ({"DTSTART": "99991231"}, "between 1970 and 2199"),
        ({"DTSTART": "00010101"}, "between 1970 and 2199"),
        ({"DTSTART": "\u0662\u0660250301T180000Z"}, "DTSTART is"),
        ({"DTSTART;TZID=Mars/Olympus": "20250301T180000", "DTSTART": None}, "unknown time zone 'Mars/Olympus'"),
        ({"DTSTART;VALUE=DATE": "20250301T180000", "DTSTART": None}, "without a time"),
        ({"DTEND": "20250301T170000Z"}, "ends before it starts"),
        ({"DTEND": "20250301"}, "DTEND is a whole day"),
        ({"DTSTART": "20250301", "DTEND": "20250301T180000Z"}, "DTEND has a time"),
        ({"DTEND": "22500101T000000Z"}, "DTEND is in the year 2250"),
        ({"DURATION": "-PT1H"}, "negative"),
        ({"DURATION": "two hours"}, "DURATION is 'two hours'"),
        ({"DURATION": "P99999999999W"}, "DURATION"),
        ({"DURATION": "PT1H", "DTEND": "20250301T200000Z"}, "both DTEND and DURATION"),
        ({"dtstart": "20250301T180000Z"}, "DTSTART stands twice"),
        ({"uid": "two@test"}, "UID stands twice"),
        ({"UID": "x" * 256}, "UID has 256"),
        ({"URL": "javascript:alert(1)"}, "must begin with http"),
        ({"URL": "https://" + "x" * 2001}, "must begin with http"),
        ({"GEO": "91;0"}, "GEO is '91;0'"),
        ({"GEO": "nan;inf"}, "GEO"),
        ({"STATUS": "MAYBE"}, "STATUS is 'MAYBE'"),
        ({"SEQUENCE": "-1"}, "SEQUENCE"),
        ({"LAST-MODIFIED": "yesterday"}, "LAST-MODIFIED"),
        ({"CATEGORIES": "x" * 41}, "longer than 40"),
        ({"RRULE": "FREQ=SOMETIMES"}, "FREQ=SOMETIMES"),
        ({"RRULE": "FREQ=SECONDLY"}, "FREQ=SECONDLY"),
        ({"RRULE": "COUNT=3"}, "how often"),
        ({"RRULE": "FREQ=DAILY;COUNT=3;UNTIL=20260101"}, "both COUNT and UNTIL"),
        ({"RRULE": "FREQ=DAILY;UNTIL=20200101"}, "before the event starts"),
        ({"RRULE": "FREQ=YEARLY;BYMONTH=13"}, "BYMONTH=13"),
        ({"RRULE": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "never comes true"),
        ({"RRULE": "nonsense"}, "not a recurrence rule"),
        ({"RECURRENCE-ID": "later"}, "RECURRENCE-ID"),
        ({"EXDATE": "20250308,never"}, "EXDATE"),
    ],
)
def test_a_broken_entry_is_refused_with_its_line_and_the_reason_and_the_next_is_read(reads, calendar, changes, reason):
    reading = reads(calendar(**changes) + calendar(UID="next@test"))
    assert [event.uid for event in reading.events] == ["next@test"]
    (refused,) = reading.refused
    assert reason in refused.reason
    assert refused.reason.endswith(".")
    assert 3 <= refused.line <= 9
    assert reading.rows == 2


@pytest.mark.parametrize(
    ("broken", "line", "reason"),
    [
        ("BEGIN:VEVENT\nUID:a\nSUMMARY:x\nDTSTART:20250301", 2, "not closed"),
        ("BEGIN:VEVENT\nUID:a\nBEGIN:VALARM\nDTSTART:20250301", 2, "not closed"),
        ("UID:a\nSUMMARY:x\nDTSTART:20250301\nEND:VEVENT", 2, "BEGIN:VEVENT is missing"),
        ("BEGIN:VEVNT\nUID:a\nSUMMARY:x\nEND:VEVENT", 2, "ends with END:VEVENT"),
        ("BEGIN:VEVENT\nUID:a\nSUMMARY:x\nDTSTART:20250301\nEND:VALARM\nEND:VEVENT", 2, "END:VALARM on line 6"),
        ("BEGIN:VEVENT\nUID:a\nSUMMARY:x\nDTSTART:20250301\nno colon here\nEND:VEVENT", 6, "no part of a calendar"),
        ("BEGIN:VEVENT\nUID:a\nSUMMARY:x\nDTSTART;TZID=:20250301\nDTEND;=;:20250302\nEND:VEVENT", 6, "cannot be read"),
        ("what is this", 2, "no part of a calendar"),
    ],
)
def test_a_broken_block_does_not_hide_the_next(reads, broken, line, reason):
    good = "BEGIN:VEVENT\nUID:good\nSUMMARY:y\nDTSTART:20250301\nEND:VEVENT"
    reading = reads(f"BEGIN:VCALENDAR\n{broken}\n{good}\nEND:VCALENDAR\n")
    assert [event.uid for event in reading.events] == ["good"]
    (refused,) = reading.refused
    assert (refused.line, refused.uid) == (line, None if broken == "what is this" else "a")
    assert reason in refused.reason


def test_alarms_journals_and_tasks_are_passed_over(reads, calendar):
    alarm = "BEGIN:VALARM\r\nTRIGGER:-PT15M\r\nSUMMARY:Ring\r\nEND:VALARM"
    task = "BEGIN:VTODO\r\nSUMMARY:Buy milk\r\nEND:VTODO\r\nBEGIN:VEVENT"
    reading = reads(calendar(alarm).replace("BEGIN:VEVENT", task))
    assert [event.title for event in reading.events] == ["A gig"]
    assert reading.refused == ()


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n\0\0", b"hello", b"\0" * 1000, b"BEGIN:VEVENT\nEND:VEVENT"])
def test_what_is_no_calendar_is_refused_in_one_sentence(reads, data):
    with pytest.raises(NotReadable) as refused:
        reads(data)
    assert refused.value.detail.endswith(".")


def test_an_empty_calendar_has_no_events_and_nothing_wrong(reads):
    assert reads("BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n") == type(reads("BEGIN:VCALENDAR"))((), (), 0)


def test_a_zone_defined_in_one_file_is_unknown_in_the_next(reads, calendar):
    assert reads(calendar("DTSTART;TZID=Ours:20250301T180000", heads=(zone_called("Ours"),), DTSTART=None)).events
    assert not reads(calendar("DTSTART;TZID=Ours:20250301T180000", DTSTART=None)).events
