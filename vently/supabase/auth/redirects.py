"""Where a person may be sent with a session: the site itself, or a place the operator allows; never elsewhere."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from msgspec import Struct

from vently.supabase.auth.rules import Rules

LONGEST = 2000
"""Characters of an address: what every browser and proxy still takes."""

# RFC 3986's characters, and no others: what browsers repair (spaces, tabs, backslashes) they repair into other places.
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""What a browser takes for an IPv4 address, however it is written."""
_PORTS = {"http": 80, "https": 443}
_PATTERN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)")


def allowed(rules: Rules, *wanted: str | None) -> str:
    """The first of these that is the site or on the allow-list, as it was written; else the site's address."""
    return next((each for each in wanted if each and is_allowed(rules, each)), rules.site_url)


def is_allowed(rules: Rules, wanted: str) -> bool:
    """Compared part by part: a pattern's host is never met by something in another's path or user name."""
    place = _read(wanted)
    if place is None:
        return False
    site = _read(rules.site_url)
    if site is not None and (place.scheme, place.host, place.port) == (site.scheme, site.host, site.port):
        return True
    return any(pattern.meets(place) for pattern in _patterns(rules.redirect_urls))


def with_query(url: str, values: Mapping[str, str]) -> str:
    """`url` with these in its query, in place of any of the same names; its fragment is dropped."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in values]
    return _joined(parts, query=urlencode([*kept, *values.items()]))


def with_fragment(url: str, values: Mapping[str, str]) -> str:
    """`url` with these as its fragment, which browsers send to no server."""
    return _joined(urlsplit(url), fragment=urlencode(values))


class _Place(Struct, frozen=True):
    scheme: str
    host: str
    port: int | None
    rest: str
    """Path and query."""

    @property
    def authority(self) -> str:
        return self.host if self.port in {None, _PORTS.get(self.scheme)} else f"{self.host}:{self.port}"


class _Pattern(Struct, frozen=True):
    scheme: str
    authority: re.Pattern[str]
    rest: re.Pattern[str]
    numeric: bool
    """Whether it names an address of numbers. A wildcard alone never means one."""

    def meets(self, place: _Place) -> bool:
        return (
            self.scheme == place.scheme
            and (self.numeric or not _NUMBER.fullmatch(place.host))
            and self.authority.fullmatch(place.authority) is not None
            and self.rest.fullmatch(place.rest) is not None
        )


def _read(url: str) -> _Place | None:
    """None for all that two programs might read in two ways."""
    if len(url) > LONGEST or not _PLAIN.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not url[len(parts.scheme) :].startswith("://") or not host or not _HOST.fullmatch(host):
        return None
    if "@" in parts.netloc or "%" in parts.netloc or parts.netloc.endswith(":") or _wanders(parts.path):
        return None
    rest = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Place(parts.scheme, host, port if port is not None else _PORTS.get(parts.scheme), rest)


def _wanders(path: str) -> bool:
    """Whether the path goes up, or hides a slash, in some number of encodings."""
    for _ in range(3):
        if re.search(r"\\|[\x00-\x20\x7f]|/\.{1,2}(?:[/;]|$)", path):
            return True
        if re.search(r"%2f|%5c", path, re.IGNORECASE):
            return True
        path = unquote(path)
    return False


@lru_cache(maxsize=8)
def _patterns(written: Iterable[str]) -> list[_Pattern]:
    """What is no address with a scheme and a host allows nothing."""
    found = []
    for each in written:
        if parts := _PATTERN.fullmatch(each.strip()):
            scheme, authority, rest = parts[1].lower(), parts[2].lower(), parts[3] or "/"
            if authority and "@" not in authority:
                authority = authority.removesuffix(f":{_PORTS.get(scheme)}")
                numeric = bool(_NUMBER.fullmatch(authority.rpartition(":")[0] or authority))
                found.append(_Pattern(scheme, _glob(authority), _glob(rest), numeric))
    return found


def _glob(pattern: str) -> re.Pattern[str]:
    """`*` is anything but `/` and `.`, `**` anything, `?` one character that is neither."""
    wild = {"**": ".*", "*": "[^/.]*", "?": "[^/.]"}
    return re.compile("".join(wild.get(part) or re.escape(part) for part in re.split(r"(\*\*|\*|\?)", pattern)))


def _joined(parts: SplitResult, *, query: str | None = None, fragment: str = "") -> str:
    return urlunsplit(parts._replace(query=parts.query if query is None else query, fragment=fragment))
