"""The words of requests: what the schema says and what is taken are the same, and reading them is never slow."""

import time
from typing import Annotated, Any

import jsonschema_rs
import msgspec
import pytest

from vently.web import checks, openapi, pointing, words

LINE = Annotated[str, words.line(80)]
TEXT = Annotated[str, words.text(20_000, shortest=1)]
LABEL = Annotated[str, words.label(40)]
CASES: list[tuple[Any, list[Any], list[Any]]] = [
    (LINE, ["a", "Café Zürich", "東京", "a b", "👩‍👩‍👧 party", "x" * 80],
     ["", " ", " a", "a ", "a\n", "a\nb", "a\tb", "\u200b", "\u00a0", "a\u202eb", "a\u0000", "\ufeffa",
      "x" * 81, 1, None]),
    (TEXT, ["a", "a\n", "\n\ta b\n\n", "🎉"], ["", " \n\t", "a\u0000", "a\rb", "\u2028", "\u200b\n"]),
    (LABEL, ["jazz", "live music"], ["a,b", ",", " jazz"]),
    (words.Slug, ["a", "jazz-2026", "0"],
     ["", "A", "-a", "a-", "a--b", "a_b", "ä", "a\n", "01890a5d-ac96-774b-bcce-b302099a8057", "a" * 81]),
    (words.Reference, ["a", "a.b_c-d", "01890a5d-ac96-774b-bcce-b302099a8057"], ["", "A", "a b", "-", "a\n"]),
    (words.HttpUrl, ["https://example.org", "http://localhost:8000/a?b=c#d", "https://münchen.de/straße?q=ü",
                     "https://a.b/%20(x)~[1]"],
     ["example.org", "ftp://a.b", "javascript:alert(1)", "https://", "https://a b.org", "https://user:pass@a.b",
      "https://a.b/\n", 'https://a.b/"', "https://a.b/<x>", "https://a.b/\u202e", "https://-a.b", "//a.b"]),
    (words.Email, ["a@b.org", "first.last+tag@sub.example.com"],
     ["a", "a@b", "@b.org", "a b@c.org", "a@b.org\n", "a@-b.org", "ä@b.org", "a@b..org"]),
    (words.Currency, ["EUR"], ["eur", "EURO", "E"]),
    (words.Moment, ["2026-05-01T18:00:00Z", "2024-02-29T00:00:00+14:00", "1970-01-01T00:00:00.123456-03:30",
                    "2199-12-31T23:59:59Z", "2000-02-29T12:00:00Z"],
     ["2026-05-01", "2026-05-01T18:00:00", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "2026-02-29T00:00:00Z",
      "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-05-01T24:00:00Z", "2026-05-01T23:59:60Z", "now", 0]),
    (words.Timezone, ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"],
     ["", "europe/berlin", "Mars", "Factory"]),
    (words.Latitude, [0, 90, -90, 47.37], [90.1, -91, "1", None]),
]  # fmt: skip


LONG = [
    "a" * 200_000 + "\0", " " * 200_000, "a " * 100_000 + "\0", "a-" * 100_000 + "!", "a@" + "a." * 100_000,
    "https://" + "a." * 100_000, "https://a/" + "%" * 200_000 + " ",
]  # fmt: skip


def taken(kind, value):
    try:
        held = msgspec.json.decode(msgspec.json.encode(value), type=kind)
    except msgspec.ValidationError:
        return False
    return not checks.moments(held)


def described(kind, value):
    schema = openapi._tidy(msgspec.json.schema(kind))
    return jsonschema_rs.validator_for(schema).is_valid(value)


@pytest.mark.parametrize(("kind", "good", "bad"), CASES, ids=range(len(CASES)))
def test_the_schema_and_the_reader_agree(kind, good, bad):
    assert [(value, taken(kind, value), described(kind, value)) for value in good] == [(v, True, True) for v in good]
    assert [(value, taken(kind, value), described(kind, value)) for value in bad] == [(v, False, False) for v in bad]


@pytest.mark.parametrize("kind", [LINE, TEXT, LABEL, words.Slug, words.Reference, words.HttpUrl, words.Email])
@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_no_text_takes_long_to_refuse(kind, text):
    began = time.perf_counter()
    assert not taken(kind, text)
    assert time.perf_counter() - began < 0.5


def test_every_pattern_has_its_sentence():
    for kind, _, bad in CASES:
        for value in bad:
            try:
                msgspec.json.decode(msgspec.json.encode(value), type=kind)
            except msgspec.ValidationError as error:
                said = pointing.from_message(str(error)).detail
                assert said.startswith(("must ", "'")), said
                assert "regex" not in said
