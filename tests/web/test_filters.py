"""The words that templates use: money, names, covers, prose, addresses, and what search engines read."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined

from vently.web import assets, filters, money, prose


@dataclass
class Shown:
    id: str = "0190"
    title: str = "</script><b>Jazz</b>"
    description: str = "Four *voices*."
    starts_at: datetime = datetime(2026, 12, 12, 18, tzinfo=UTC)
    ends_at: datetime | None = datetime(2026, 12, 12, 21, tzinfo=UTC)
    timezone: str = "Europe/Berlin"
    all_day: bool = False
    status: str = "cancelled"
    online: bool = False
    cover: str | None = None
    category: str | None = "live music"
    venue: dict[str, Any] | None = field(default_factory=lambda: {"name": "Salzhaus", "city": "Winterthur"})
    organizer: dict[str, Any] | None = field(default_factory=lambda: {"handle": "alice", "name": "Alice"})


class Tags(HTMLParser):
    """What a browser would take for tags."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, attributes))


@pytest.fixture
def jinja():
    made = Environment(autoescape=True, undefined=StrictUndefined)
    filters.register(made)
    return made


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [(1250, "EUR", "€12.50"), (0, "EUR", "€0.00"), (500, "JPY", "JP¥500"), (1250, "BHD", "BHD\u00a01.250")],
)
def test_money_is_minor_units_in_words(amount, currency, told):
    assert money.formatted(amount, currency) == told


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada King Lovelace", "AL"), ("bob", "B"), ("  ", "?"), (None, "?"), ("Émile (Zola) Ω", "ÉΩ"), ("* -", "?")],
)
def test_initials_are_of_the_first_and_last_word(name, letters):
    assert filters.initials(name) == letters


def test_a_seed_keeps_its_tint():
    assert filters.tint("alice") == filters.tint("alice")
    assert len({filters.tint(f"person {n}") for n in range(200)}) == filters.TINTS


def test_a_query_keeps_what_is_set():
    shown = {"q": "jazz & soul", "city": "", "online": False, "free": True, "cursor": "old"}
    assert filters.query(shown, cursor=None) == "?q=jazz+%26+soul&free=1"
    assert filters.query({}) == "?"


def test_a_map_link_knows_the_spot_or_searches():
    assert filters.map_url(47.3769, 8.5417, []).endswith("#map=17/47.37690/8.54170")
    searched = filters.map_url(None, None, ["Café & Bar", None, "Zürich"])
    assert searched.endswith("?query=Caf%C3%A9%20%26%20Bar%2C%20Z%C3%BCrich")


def test_countries_have_names_and_others_stay():
    assert [filters.country(code) for code in ("CH", "gb", "Atlantis", None)] == [
        "Switzerland", "United Kingdom", "Atlantis", "",
    ]  # fmt: skip


def test_a_cover_is_the_own_one_or_a_drawn_one(jinja):
    show = jinja.from_string("{{ thing | cover_url }}").render
    assert show(thing=Shown()) == "/covers/live%20music/0190.svg"
    assert show(thing={"id": "7", "name": "Book club"}) == "/covers/any/7.svg"
    assert show(thing=Shown(cover="https://pictures.example/a.jpg")) == "https://pictures.example/a.jpg"


def test_a_drawn_cover_is_asked_of_the_host_that_shows_the_page(jinja):
    cover = "https://vently.example/covers/music/0190.svg"
    assert jinja.from_string("{{ thing | cover_url }}").render(thing=Shown(cover=cover)) == "/covers/music/0190.svg"


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/pixel.png)",
        '<a href="https://x.example" onclick="alert(1)" hx-get="/me">x</a>',
        "<style>*{display:none}</style><p style='x'>",
        "[x](<javascript:alert(1)>)\n\n<iframe src=//evil.example>",
    ],
)
def test_prose_cannot_harm(text):
    tags = Tags()
    tags.feed(prose.markdown(text))
    assert {name for name, _ in tags.seen} <= prose.TAGS
    assert all(
        name in {"rel", "title", "start"} or value.startswith(("http://", "https://", "mailto:"))
        for _, attributes in tags.seen
        for name, value in attributes
    )


def test_prose_is_markdown_with_marked_links():
    html = prose.markdown("# Hello\n\nSee **[here](https://a.example)** or ~~there~~.\nNew line\n\n|a|b|\n|-|-|\n|1|2|")
    assert "<h3>Hello</h3>" in html
    assert '<strong><a href="https://a.example" rel="nofollow ugc noopener">here</a></strong>' in html
    assert "<s>there</s>.<br>" in html.replace(" />", ">")
    assert "<table>" in html


def test_a_new_line_stays_one_where_people_write_in_boxes():
    assert "<br" in prose.markdown("one\ntwo")
    assert "<br" not in prose.markdown("one\ntwo", breaks=False)


def test_headings_begin_below_the_pages_own_whatever_their_level():
    assert "<h3>A</h3>" in prose.markdown("### A\n#### B")
    assert "<h4>B</h4>" in prose.markdown("### A\n#### B")


def test_an_excerpt_is_plain_and_ends_between_words():
    assert prose.excerpt("Rock & *roll*\n\n- all <night>") == "Rock & roll all <night>"
    assert prose.excerpt("one two three four", 11) == "one two…"
    assert prose.excerpt(None) == ""


def test_search_engines_read_the_event_and_no_title_can_leave_its_script(jinja):
    text = jinja.from_string("{{ event_json_ld(event, 'https://vently.example/events/jazz') }}").render(event=Shown())
    assert "<" not in text
    told = json.loads(text)
    assert told["name"] == "</script><b>Jazz</b>"
    assert (told["startDate"], told["endDate"]) == ("2026-12-12T19:00+01:00", "2026-12-12T22:00+01:00")
    assert told["eventStatus"].endswith("EventCancelled")
    assert told["location"]["address"]["addressLocality"] == "Winterthur"
    assert told["organizer"]["name"] == "Alice"


def test_an_all_day_event_has_plain_dates(jinja):
    first, after = datetime(2026, 12, 11, 23, tzinfo=UTC), datetime(2026, 12, 13, 23, tzinfo=UTC)
    days = Shown(all_day=True, starts_at=first, ends_at=after)
    told = json.loads(jinja.from_string("{{ event_json_ld(event, 'x') }}").render(event=days))
    assert (told["startDate"], told["endDate"]) == ("2026-12-12", "2026-12-13")


def test_static_files_are_found_under_the_hash_of_their_content(jinja):
    url = jinja.from_string("{{ asset_url('app.css') }}").render()
    asset = assets.find_asset(url.removeprefix("/static/"))
    assert asset is not None
    assert asset.media_type.startswith("text/css")
    assert assets.find_asset("app.css") is None
    with pytest.raises(KeyError):
        assets.asset_url("nothing.css")


def test_the_style_sheet_stays_small_and_asks_for_nothing_else():
    css = (assets.STATIC / "app.css").read_text()
    assert len(css.encode()) < 20 * 1024
    assert "url(" not in css
    assert "@import" not in css
