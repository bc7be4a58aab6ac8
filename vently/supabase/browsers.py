"""Which browser on which system somebody signs in with: enough for people to recognise their own."""

import re

_BROWSERS = (
    ("Edg(?:e|A|iOS)?/", "Edge"),
    ("OPR/|Opera", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/|FxiOS/", "Firefox"),
    ("HeadlessChrome/|Chrome/|CriOS/|Chromium/", "Chrome"),
    ("Version/.*Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh|Mac OS X", "Mac"),
    ("Linux|X11", "Linux"),
)


UNKNOWN = "Unknown browser"


def family(user_agent: str | None) -> str:
    """`Firefox on Linux`, in words of ours alone, fit for a letter. Versions are left out: updates are no news."""
    text = user_agent or ""
    browser, system = _first(_BROWSERS, text), _first(_SYSTEMS, text)
    if browser and system:
        return f"{browser} on {system}"
    return browser or (f"An app on {system}" if system else UNKNOWN)


def in_words(user_agent: str | None) -> str:
    """`family`; a program that is no browser by its own name."""
    known = family(user_agent)
    name = re.match(r"[\w.-]{1,40}", (user_agent or "").strip()) if known == UNKNOWN else None
    return f"A program ({name[0]})" if name else known


def _first(known: tuple[tuple[str, str], ...], text: str) -> str:
    return next((name for mark, name in known if re.search(mark, text)), "")
