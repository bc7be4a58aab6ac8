"""The press: a layout of Typst and what it shows become a PDF, off the event loop.

What people wrote reaches Typst as data (JSON in `sys.inputs`), never as its markup.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import typst

LAYOUTS = Path(__file__).parent / "layouts"

_hands = ThreadPoolExecutor(max_workers=2, thread_name_prefix="press")
"""Typst uses all cores by itself while it runs; two sheets at once leave requests their share."""


async def pdf(layout: str, show: Callable[[], Any], made_at: datetime | None = None) -> bytes:
    """`show` gives what the layout shows; it runs off the event loop too, as drawing QR codes takes its time.

    `made_at`: what the file says of when it was made; the same input and moment give the same bytes.
    """
    return await asyncio.get_running_loop().run_in_executor(_hands, _print, layout, show, made_at)


def _print(layout: str, show: Callable[[], Any], made_at: datetime | None) -> bytes:
    data = msgspec.json.encode(show()).decode()
    # By its path: Typst never forgets a source given as bytes.
    return typst.compile(
        LAYOUTS / layout,
        root=LAYOUTS,
        font_paths=_fonts(),
        sys_inputs={"data": data},
        format="pdf",
        timestamp=made_at,
    )


@cache
def _fonts() -> typst.Fonts:
    """Those within Typst, and after them the system's, for scripts that the former lack."""
    return typst.Fonts()
