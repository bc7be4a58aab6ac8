"""The QR code of a ticket, read back by a real reader of QR codes."""

import io
import re
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
import segno
import typst
import zxingcpp
from PIL import Image

from vently.tickets.issued import qr
from vently.tickets.issued.codes import MOST_SERIAL, Codes
from vently.web.visible import visible

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def code() -> str:
    return Codes(b"k" * 32).issue(uuid4(), MOST_SERIAL)


def read(picture: str, pixels_a_module: float = 3) -> str:
    """What a reader sees in the SVG drawn that large."""
    page = b'#set page(width: 49pt, height: 49pt, margin: 0pt)\n#image(bytes(sys.inputs.svg), format: "svg")'
    drawn = typst.compile(page, format="png", ppi=72 * pixels_a_module, sys_inputs={"svg": picture})
    [found] = zxingcpp.read_barcodes(Image.open(io.BytesIO(drawn)))
    return found.text


@pytest.mark.parametrize("pixels", [2, 3, 4.7, 10])
def test_a_reader_reads_the_code_small_and_large(code, pixels):
    assert read(qr.svg(code), pixels) == code


def test_a_torn_off_corner_does_no_harm(code):
    hidden = qr.svg(code).replace("</svg>", '<path fill="#fff" d="M38 38h9v6h-9z"/></svg>')
    assert read(hidden) == code


def test_it_is_no_larger_than_a_screen_in_the_sun_can_show(code):
    drawn = segno.make(code, error="m", boost_error=False)
    assert drawn.version <= 6
    assert drawn.mode == "alphanumeric"
    picture = qr.svg(code)
    assert len(picture) < 4_000
    root = ET.fromstring(picture)
    assert root.get("viewBox") == "0 0 49 49"
    assert root.get("width") is None


def test_pages_may_show_it_as_it_is(code):
    """No script, no style, nothing fetched: the pages' Content-Security-Policy refuses these."""
    root = ET.fromstring(qr.svg(code))
    assert {element.tag for element in root.iter()} == {f"{SVG}svg", f"{SVG}title", f"{SVG}path"}
    names = {name for element in root.iter() for name in element.attrib}
    assert names == {"viewBox", "class", "role", "shape-rendering", "fill", "stroke", "d"}


def test_dark_on_light_with_a_quiet_zone_of_four(code):
    light, dark = ET.fromstring(qr.svg(code)).findall(f"{SVG}path")
    assert (light.get("fill"), light.get("d")) == ("#fff", "M0 0h49v49h-49z")
    assert dark.get("stroke") == "#000"
    assert re.match(r"M4 4\.5", dark.get("d"))


@pytest.mark.parametrize("title", ["Rock & <Roll>", '</title><script>alert(1)</script>"', "a\0b\x1b\ud800\ufffe", ""])
def test_whatever_the_title_it_stays_a_title(code, title):
    root = ET.fromstring(qr.svg(code, title))
    assert len(list(root.iter())) <= 4
    assert (root.findtext(f"{SVG}title") or "") == visible(title)
