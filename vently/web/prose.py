"""Prose people write: Markdown in, HTML out that cannot harm a reader."""

from collections.abc import Sequence
from functools import cache, lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

TAGS = {
    "p", "br", "hr", "em", "strong", "s", "a", "code", "pre", "blockquote",
    "ul", "ol", "li", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
SCHEMES = {"http", "https", "mailto"}


MOST_BRACKETS = 200
"""A text with more is read without links: looking for the other end of each takes the square of their number."""


@lru_cache(maxsize=1024)
def markdown(text: str | None, *, breaks: bool = True) -> Markup:
    """Markdown (CommonMark, tables, strikethrough) as safe HTML; its highest heading is an h3, below the page's own.

    With `breaks` a new line stays one, as people expect who write in a box.
    """
    parser = _parser(breaks, (text or "").count("[") <= MOST_BRACKETS)
    html = parser.renderer.render(_demoted(parser.parse(text or "")), parser.options, {})
    safe = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href", "title"}, "ol": {"start"}},
        url_schemes=SCHEMES,
        link_rel="nofollow ugc noopener",
    )
    return Markup(safe)  # noqa: S704 - this is the one place that vouches for it


def excerpt(text: str | None, length: int = 160) -> str:
    """The beginning of a Markdown text as plain words, for descriptions in search results and link previews."""
    words = " ".join(nh3.clean(_parser(breaks=False, links=False).render(text or ""), tags=set()).split())
    plain = Markup(words).unescape()  # noqa: S704 - only to read entities; what comes back is a plain str
    if len(plain) <= length:
        return plain
    return plain[:length].rsplit(" ", 1)[0].rstrip(",;:.") + "…"


@cache
def _parser(breaks: bool, links: bool) -> MarkdownIt:
    # Pictures are left out: one from elsewhere tells its host who reads the page, and the pages' CSP refuses it anyway.
    parser = MarkdownIt("commonmark", {"html": False, "breaks": breaks})
    parser.enable(["table", "strikethrough"]).disable("image")
    return parser if links else parser.disable("link")


def _demoted(tokens: Sequence[Token]) -> Sequence[Token]:
    headings = [token for token in tokens if token.type in {"heading_open", "heading_close"}]
    highest = min((int(token.tag[1]) for token in headings), default=1)
    for token in headings:
        token.tag = f"h{min(6, int(token.tag[1]) - highest + 3)}"
    return tokens
