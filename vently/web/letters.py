"""Letters of the rooms: what one says, as HTML that every mail program shows (MJML) and as plain text."""

from pathlib import Path
from urllib.parse import urlsplit

import mrml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from msgspec import Struct

from vently.outside.mail import Attachment, Mail
from vently.web.visible import visible

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates" / "letters"),
    autoescape=select_autoescape(["mjml"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Letter(Struct, frozen=True, kw_only=True):
    """What it says, in the order it stands there. `facts` are labels with their values; `button` names the link."""

    subject: str
    lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    button: str = ""
    link: str = ""
    after: tuple[str, ...] = ()


def compose(site_url: str, to: str, letter: Letter, attachments: tuple[Attachment, ...] = ()) -> Mail:
    """People's words in it are escaped; a value of several lines keeps them."""
    shown = {
        "subject": visible(letter.subject),
        "lines": [visible(line) for line in letter.lines],
        "facts": [(label, [visible(row) for row in value.splitlines()]) for label, value in letter.facts if value],
        "button": letter.button,
        "link": letter.link,
        "after": [visible(line) for line in letter.after],
        "site": urlsplit(site_url).netloc,
        "site_url": site_url,
    }
    page = mrml.to_html(_templates.get_template("letter.mjml").render(shown))
    return Mail(to, letter.subject, _templates.get_template("letter.txt").render(shown), page.content, attachments)
