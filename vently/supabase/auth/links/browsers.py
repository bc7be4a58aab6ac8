"""Which browser on which system somebody signs in with, in words of ours alone, which are fit for a letter."""

_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "Chrome/": "Chrome",
    "CriOS/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "a Mac",
    "CrOS": "a Chromebook",
    "Linux": "Linux",
}


def family(user_agent: str | None) -> str:
    """`Firefox on Linux`. Versions are left out: an update makes no new device."""
    text = user_agent or ""
    browser = next((name for mark, name in _BROWSERS.items() if mark in text), "an app")
    system = next((name for mark, name in _SYSTEMS.items() if mark in text), "")
    return f"{browser} on {system}" if system else browser
