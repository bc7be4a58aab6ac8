"""What of people's words stands in documents and letters."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vently.web import visible


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Jazz by the lake", "Jazz by the lake"),
        ("  Jazz\t by\n\nthe\u2028lake \x85", "Jazz by the lake"),
        ("a\0b\x1b\x7f\ud800\ufffe\U0001ffff\ufdd0c", "abc"),
        ("Bob \u202egpj.exe\u2066\u202c", "Bob gpj.exe"),
        ("שלום \u200f\u0645\u0631 日本", "שלום \u200f\u0645\u0631 日本"),
        ("👩\u200d👧 \u0645\u06cc\u200c\u062e \U0001fae9", "👩\u200d👧 \u0645\u06cc\u200c\u062e \U0001fae9"),
        (None, ""),
        ("\r\n", ""),
    ],
)
def test_a_line_keeps_what_shows(given, kept):
    assert visible.line(given) == kept


def test_lines_are_kept_apart_and_empty_ones_left_out():
    assert visible.lines("Hauptstr. 5\r\n\n 79100\tFreiburg \u2028Germany\n\0") == [
        "Hauptstr. 5",
        "79100 Freiburg",
        "Germany",
    ]


def test_blanks_that_hold_words_together_stay():
    assert visible.visible("19:00\u00a0–\u00a022:00") == "19:00\u00a0–\u00a022:00"


@given(st.text())
def test_any_xml_holds_what_is_left(text):
    root = ET.Element("title")
    root.text = visible.visible(text)
    assert (ET.fromstring(ET.tostring(root)).text or "") == root.text
    assert "\n" not in root.text
