"""Generated covers: always the same, small, alive in every pattern, and self-contained."""

from xml.etree import ElementTree as ET

import pytest

from vently.web import covers

SEEDS = [f"0190a3c4-{n:04}" for n in range(120)]


def test_a_seed_keeps_its_picture():
    assert covers.cover_svg("gig", "music") == covers.cover_svg("gig", "music")
    assert len({covers.cover_svg(seed, "music") for seed in SEEDS}) > 100


@pytest.mark.parametrize("pattern", covers.PATTERNS, ids=lambda pattern: pattern.__name__)
def test_each_pattern_is_small_and_well_formed(pattern, monkeypatch):
    monkeypatch.setattr(covers, "PATTERNS", (pattern,))
    for seed in SEEDS:
        svg = covers.cover_svg(seed)
        assert len(svg.encode()) < 3000
        assert ET.fromstring(svg).get("viewBox") == "0 0 800 450"


def test_a_picture_carries_no_style_script_or_address():
    elements = [element for seed in SEEDS for element in ET.fromstring(covers.cover_svg(seed)).iter()]
    assert {element.tag.rpartition("}")[2] for element in elements} <= {
        "svg", "g", "rect", "circle", "path", "linearGradient", "stop",
    }  # fmt: skip
    assert not {"style", "href", "onload", "class"} & {name for element in elements for name in element.attrib}


def test_a_category_keeps_to_two_kinds_and_none_to_all(monkeypatch):
    numbered = [lambda *_, n=n: iter(f"<path d='M{n}'/>") for n in range(8)]
    monkeypatch.setattr(covers, "PATTERNS", numbered)

    def kinds(category):
        return {covers.cover_svg(seed, category).partition("<path")[2] for seed in SEEDS}

    assert len(kinds("music")) == 2
    assert len(kinds(covers.ANY)) == 8


def test_whatever_the_seed_it_cannot_break_out_of_the_picture():
    svg = covers.cover_svg('"/><script>alert(1)</script>', "</svg>")
    assert "alert" not in svg
    ET.fromstring(svg)
