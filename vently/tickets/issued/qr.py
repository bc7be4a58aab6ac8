"""A ticket's code as a picture (QR, ISO/IEC 18004): an SVG that pages show and documents print."""

import io

import segno

from vently.web.visible import visible

QUIET_ZONE = 4
"""Modules of light around it: readers need them."""


def svg(code: str, title: str = "Ticket code") -> str:
    """Dark on light whatever the page's colours, as wide as where it stands, without scripts or styles.

    Error correction M (15 % may be torn off or dirty); a ticket's code gives version 6, 41 modules wide.
    """
    drawn = io.BytesIO()
    # A signature looks random under any mask; looking for the best of eight takes five times as long.
    segno.make(code, error="m", micro=False, boost_error=False, mask=0).save(
        drawn,
        kind="svg",
        border=QUIET_ZONE,
        dark="#000",
        light="#fff",
        title=visible(title),
        svgclass="qr",
        lineclass=None,
        omitsize=True,
        xmldecl=False,
        nl=False,
    )
    # On a screen no edge falls between two pixels; a reader of the page hears the title.
    return drawn.getvalue().decode().replace("<svg ", '<svg role="img" shape-rendering="crispEdges" ', 1)
