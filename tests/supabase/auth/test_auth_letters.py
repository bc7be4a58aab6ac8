"""The letters themselves."""

import re
import string
import typing

import pytest
from auth_cast import SITE

from vently.supabase.auth.links import letters
from vently.supabase.auth.links.tokens import Secret
from vently.supabase.auth.links.words import WORDS, Name
from vently.supabase.auth.rules import Rules
from vently.supabase.browsers import family

RULES = Rules(site_url=SITE)
LINK = f"{SITE}/auth/v1/verify?token=x&type=signup&redirect_to=https%3A%2F%2Fvently.example"
HOSTILE = "\"><script>alert('x')</script><mj-raw>{{ 7*7 }}&amp;{site}@evil.example"


def compose(name: Name, to: str = "alice@example.com", **facts: str):
    words = WORDS[name]
    named = {key for line in (*words.lines, words.not_you) for _, key, _, _ in string.Formatter().parse(line) if key}
    known = {key: facts.get(key, f"the {key}") for key in named - {"to", "site", "security"}}
    return letters.compose(
        RULES, name, to, link=LINK if words.button else "", code="012345" if words.code else "", **known
    )


def test_there_is_a_letter_for_every_occasion():
    assert set(WORDS) == set(typing.get_args(Name))


@pytest.mark.parametrize("name", WORDS)
def test_a_letter_says_the_same_twice_and_asks_nothing_of_anybody(name):
    mail = compose(name)
    words = WORDS[name]
    assert mail.subject == words.subject
    assert "{" not in mail.text
    assert "the new" not in mail.subject
    seen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", mail.html))
    for line in mail.text.splitlines():
        plain = line.strip().removesuffix("012345").removesuffix(":").strip()
        if plain and not plain.startswith(("http", "--", "Vently, ")):
            assert plain.replace("'", "&#39;") in seen, plain
    assert ("012345" in mail.text) == ("012345" in mail.html) == bool(words.code)
    assert (LINK in mail.text) == (LINK.replace("&", "&amp;") in mail.html) == bool(words.button)
    assert ("an hour" in mail.text) == bool(words.code)
    # Nothing is fetched when it is opened: no pictures, no fonts, no scripts.
    assert not re.search(r"<img|<script|<link|@import|url\(", mail.html)
    assert max(map(len, mail.text.splitlines())) < 300


@pytest.mark.parametrize("name", WORDS)
def test_what_people_write_is_never_markup(name):
    mail = compose(name, to=HOSTILE, new=HOSTILE)
    assert "<script" not in mail.html
    assert "<mj-raw" not in mail.html
    assert "49" not in mail.html.replace("#14201f", "")
    assert ("&lt;script" in mail.html) == any("{to}" in line or "{new}" in line for line in WORDS[name].lines)


def test_a_link_names_its_secret_and_where_it_leads():
    link = letters.link_to_verify(RULES, Secret("a_b-c", "012345"), "signup", f"{SITE}/x?a=1&b=2")
    assert (
        link
        == f"{SITE}/auth/v1/verify?token=a_b-c&type=signup&redirect_to=https%3A%2F%2Fvently.example%2Fx%3Fa%3D1%26b%3D2"
    )


@pytest.mark.parametrize(
    ("seconds", "said"), [(3600, "an hour"), (600, "10 minutes"), (60, "a minute"), (7200, "120 m")]
)
def test_a_letter_says_how_long_it_lives(seconds, said):
    rules = Rules(site_url=SITE, code_seconds=seconds)
    assert said in letters.compose(rules, "magic_link", "alice@example.com", link=LINK, code="012345").text


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/18.0 Safari/605.1.15", "Safari on Mac"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("python-httpx/0.28", "Unknown browser"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
    ],
)
def test_a_browser_in_words(agent, words):
    assert family(agent) == words
