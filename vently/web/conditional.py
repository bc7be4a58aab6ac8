"""Conditional requests (RFC 9110, section 13): strong ETags, 304 for what is known, 412 for what is stale.

The ETag of one resource is `"<version>-<hash of its body>"`. `If-Match` compares the version alone, so that somebody's
answer to an event, which changes its counts but not its version, does not make the editor's copy stale.
"""

import hashlib
import re
from typing import Any

from vently.refusals import Malformed, Stale
from vently.web.answers import Answer

_TAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*')
_VERSION = re.compile(r"(\d+)-[0-9a-f]{16}")


def etag(version: int | None, body: bytes) -> str:
    """A strong ETag; without a version it is of the body alone (lists)."""
    digest = hashlib.blake2b(body, digest_size=8).hexdigest()
    return f'"{digest}"' if version is None else f'"{version}-{digest}"'


def answer(request: Any, body: Any, *, version: int | None = None, status: int = 200) -> Answer:
    """JSON with its ETag, or 304 when `If-None-Match` of a GET or HEAD names it."""
    given = Answer(body, status)
    tag = etag(version, given.body)
    if request.method in ("GET", "HEAD") and _known(request.headers.get("if-none-match"), tag):
        given = Answer(b"", 304)
    given.add("etag", tag)
    return given


def _known(header: str | None, tag: str) -> bool:
    """Weak comparison, as section 13.1.2 says; a header that cannot be read is as good as none."""
    if header is None:
        return False
    if header.strip() == "*":
        return True
    return any(f'"{found[2]}"' == tag for found in _TAG.finditer(header))


def check_if_match(request: Any, version: int) -> None:
    """Raises Stale (412) when `If-Match` names another version, Malformed (400) when it names none at all."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return
    tags = _tags(header)
    versions = [found[1] for weak, tag in tags if not weak and (found := _VERSION.fullmatch(tag))]
    if str(version) not in versions:
        raise Stale


def wanted_version(request: Any) -> int | None:
    """The one version `If-Match` asks for, to compare inside an `update … where version = :version`; None for any."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return None
    versions = [found[1] for weak, tag in _tags(header) if not weak and (found := _VERSION.fullmatch(tag))]
    if len(versions) != 1 or len(versions[0]) > 18:  # noqa: PLR2004 - what a bigint holds
        raise Stale
    return int(versions[0])


def _tags(header: str) -> list[tuple[bool, str]]:
    parts = _TAG.split(header)
    if "".join(parts[::3]).strip(" ,") or len(parts) == 1:
        raise Malformed('If-Match takes an ETag in double quotes, as in If-Match: "7-0123456789abcdef", or *.')
    return [(bool(weak), tag) for weak, tag in zip(parts[1::3], parts[2::3], strict=True)]
