"""Secrets of this installation: one master key, and a key of its own for each purpose derived from it."""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec


class Signer:
    """Signs and checks for several purposes; what is signed for one does not count for another."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._keys: dict[str, bytes] = {}

    def key(self, purpose: str) -> bytes:
        """32 bytes for this purpose alone (HMAC-SHA256 of its name under the master key, as HKDF expands)."""
        if purpose not in self._keys:
            self._keys[purpose] = hmac.digest(self._master, b"vently\0" + purpose.encode(), hashlib.sha256)
        return self._keys[purpose]

    def mark(self, purpose: str, message: bytes, size: int = 16) -> bytes:
        return hmac.digest(self.key(purpose), message, hashlib.sha256)[:size]

    def matches(self, purpose: str, message: bytes, given: bytes) -> bool:
        return len(given) == 16 and hmac.compare_digest(self.mark(purpose, message), given)  # noqa: PLR2004 - its size


def load(secret: str, data: Path) -> Signer:
    """From the setting when it is given (several nodes share it), else from `DATA/keys/web.json`, made once."""
    if secret:
        return Signer(hashlib.sha256(b"vently master\0" + secret.encode()).digest())
    path = data / "keys" / "web.json"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        _make(path)
    return Signer(_decode(msgspec.json.decode(path.read_bytes())["master"]))


def _make(path: Path) -> None:
    """Two workers may start at once: the first link wins and both read it."""
    draft = path.with_name(f".web-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode({"master": encode(secrets.token_bytes(32))}))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def encode(data: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes | None:
    """None for what `encode` could not have written."""
    try:
        data = _decode(text)
    except (ValueError, UnicodeError):
        return None
    return data if encode(data) == text else None


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
