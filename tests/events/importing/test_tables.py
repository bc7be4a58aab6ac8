"""Reading .csv files: by the names of their columns, row by row."""

from datetime import UTC, datetime

import pytest

from vently.events.importing import NotReadable, read


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_table_of_the_conferences_gives_what_their_calendar_gives(places, calendar_file, table_file):
    calendar, table = read(calendar_file, places=places), read(table_file, places=places)
    assert (len(table.events), table.rows, table.refused) == (466, 628, ())

    def told(event):
        return event.title, event.starts_at, event.ends_at, event.timezone, event.url, event.venue, event.categories

    assert [told(event) for event in table.events] == [told(event) for event in calendar.events]
    # Where the file's authors made the UID of the same words, it is the same.
    assert sum(event.uid.split("@")[0] == other.uid.split("@")[0] for event, other in zip(
        table.events, calendar.events, strict=True)) >= 464  # fmt: skip


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_columns_are_known_by_many_names_and_split_by_any_mark(reads, mark):
    rows = [
        ["Title", "Starts at", "Ends_At", "Location", "Category", "Summary", "Time zone", "UID", "Whatever"],
        ["Gig", "2025-03-01 18:00", "2025-03-01T20:00", "Berlin", "music|jazz", "x", "Europe/Paris", "u1", "y"],
    ]
    event = reads("\n".join(mark.join(row) for row in rows), "table.csv").events[0]
    assert (event.uid, event.title, event.timezone) == ("u1", "Gig", "Europe/Paris")
    assert (event.starts_at, event.ends_at) == (utc(2025, 3, 1, 17), utc(2025, 3, 1, 19))
    assert (event.categories, event.venue.city) == (("music", "jazz"), "Berlin")


def test_dates_are_whole_days_to_the_last_one(reads):
    event = reads("name,start,end,city,country\nGig,2025-03-01,2025-03-02,Tokyo,Japan\n", "t.csv").events[0]
    assert event.all_day
    assert (event.starts_at, event.ends_at) == (utc(2025, 2, 28, 15), utc(2025, 3, 2, 15))


def test_times_may_have_columns_of_their_own(reads):
    event = reads("name,date,start time,end time\nGig,2025-03-01,6:30 pm,21:00\n", "t.csv").events[0]
    assert (event.starts_at, event.ends_at) == (utc(2025, 3, 1, 18, 30), utc(2025, 3, 1, 21))


def test_cells_run_over_lines_and_an_open_quote_swallows_one_row_only(reads):
    rows = ['A,2025-03-01,"two\nlines, ""quoted"""', '"B,2025-03-01,', "C,2025-03-02,", '"D",2025-03-03,"x"']
    table = "\n".join(["name,start,description", *rows])
    reading = reads(table, "t.csv")
    assert [(event.title, event.line) for event in reading.events] == [("A", 2), ("C", 5), ("D", 6)]
    assert reading.events[0].description == 'two\nlines, "quoted"'
    assert [(entry.line, entry.reason) for entry in reading.refused] == [
        (4, "A quotation mark is opened and never closed.")
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",2025-03-01,,,", "The row has no title."),
        ("Gig,,,,", "The row has no start."),
        ("Gig,03/01/2025,,,", "write it as 2025-03-01"),
        ("Gig,2025-02-30,,,", "write it as 2025-03-01"),
        ("Gig,2025-03-01,2025-02-01,,", "ends before it starts"),
        ("Gig,2025-03-01,2025-02-01T10:00,,", "whole day"),
        ("Gig,1800-03-01,,,", "between 1970 and 2199"),
        ("Gig,9999-12-31,9999-12-31,,", "no day after"),
        ("Gig,2025-03-01,,ftp://x,", "must begin with http"),
        ("Gig,2025-03-01,,,perhaps", "write true or false"),
        ("Gig,2025-03-01", "The row has 2 cells, but the table has 5 columns."),
        ("Gig,2025-03-01,,,,,more", "The row has 7 cells, but the table has 5 columns."),
        ('Gig,2025-03-01,"x"y,,', "quotation marks are misplaced"),
        ("bell\x07,2025-03-01,,,", "control character"),
    ],
)
def test_a_broken_row_is_refused_with_its_line_and_the_reason(reads, row, reason):
    reading = reads(f"name,start,end,url,online\n{row}\nNext,2025-03-01,,,\n", "t.csv")
    assert [event.title for event in reading.events] == ["Next"]
    assert [entry.line for entry in reading.refused] == [2]
    assert reason in reading.refused[0].reason


@pytest.mark.parametrize("text", ["", "\n\n", "a,b\n1,2\n", "name\nGig\n", '"', "\0"])
def test_what_is_no_table_of_events_is_refused_in_one_sentence(reads, text):
    with pytest.raises(NotReadable):
        reads(text, "t.csv")
