"""Static files under names that carry a hash of their content, so that they may be cached for ever."""

from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path, PurePosixPath

STATIC = Path(__file__).parent / "static"

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file, ready to be sent. `name` is the hashed name below /static/."""

    name: str
    media_type: str
    body: bytes


def asset_url(name: str) -> str:
    """`app.css` -> `/static/app.1f0c….css`; a name that is not there raises KeyError at once."""
    return f"/static/{_urls()[name]}"


def find_asset(hashed_name: str) -> Asset | None:
    """The file behind the part of the path after /static/. An outdated hash finds nothing."""
    return _assets().get(hashed_name)


@cache
def _assets() -> dict[str, Asset]:
    return {asset.name: asset for asset in _read_all().values()}


@cache
def _urls() -> dict[str, str]:
    return {name: asset.name for name, asset in _read_all().items()}


@cache
def _read_all() -> dict[str, Asset]:
    files = (file for file in sorted(STATIC.rglob("*")) if file.suffix in MEDIA_TYPES)
    return {file.relative_to(STATIC).as_posix(): _read(file) for file in files}


def _read(file: Path) -> Asset:
    body = file.read_bytes()
    name = PurePosixPath(file.relative_to(STATIC).as_posix())
    digest = blake2b(body, digest_size=6).hexdigest()
    return Asset(
        name=str(name.with_name(f"{name.stem}.{digest}{name.suffix}")),
        media_type=MEDIA_TYPES[name.suffix],
        body=body,
    )
