"""Letters: the words of one, with its link and code, as HTML that every mail program shows (MJML) and as plain text."""

from pathlib import Path
from urllib.parse import urlencode, urlsplit

import mrml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vently.outside.mail import Mail
from vently.supabase.auth.links.tokens import Secret
from vently.supabase.auth.links.words import WORDS, Name
from vently.supabase.auth.rules import Rules

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["mjml"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def compose(rules: Rules, name: Name, to: str, *, link: str = "", code: str = "", **facts: str) -> Mail:
    """`facts`: what the words of this letter name, besides its address and the site."""
    words = WORDS[name]
    known = {**facts, "to": to, "site": urlsplit(rules.site_url).netloc, "security": f"{rules.site_url}/me/security"}
    shown = {
        "subject": words.subject,
        "lines": [line.format_map(known) for line in words.lines],
        "not_you": words.not_you.format_map(known),
        "button": words.button,
        "link": link,
        "code_line": words.code,
        "code": code,
        "life": _life(rules, link, code) if code else "",
        "site": known["site"],
        "site_url": rules.site_url,
    }
    page = mrml.to_html(_templates.get_template("letter.mjml").render(shown))
    return Mail(to, words.subject, _templates.get_template("letter.txt").render(shown), page.content)


def link_to_verify(rules: Rules, secret: Secret, kind: str, redirect_to: str) -> str:
    """Supabase Auth's address for it. `redirect_to` must have been allowed."""
    values = {"token": secret.token, "type": kind, "redirect_to": redirect_to}
    return f"{rules.issuer}/verify?{urlencode(values)}"


def _life(rules: Rules, link: str, code: str) -> str:
    minutes = max(1, rules.code_seconds // 60)
    hour = 60
    span = "an hour" if minutes == hour else "a minute" if minutes == 1 else f"{minutes} minutes"
    if link and code:
        return f"Link and code work for {span}. Using one of them uses up both."
    return f"The code works once, for {span}."
