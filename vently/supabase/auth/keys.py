"""The keys that sign access tokens: made at the first start, kept under the data folder, published as a JWKS."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
CURVE = "P-256"


class KeysUnusableError(Exception):
    """The file with the signing keys cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The first key signs; every key verifies, so that a key can be changed without ending anyone's session."""

    signing: ECKey
    by_id: dict[str, ECKey]
    public: dict[str, Any]
    """The JSON Web Key Set (RFC 7517) for `/.well-known/jwks.json`."""

    @classmethod
    def load(cls, folder: Path) -> "Keys":
        """Read `folder/signing.json`; make it first where there is none. Safe when several processes start at once."""
        path = folder / "signing.json"
        try:
            if not path.exists():
                _make(path)
            text = path.read_bytes()
        except OSError as error:
            raise KeysUnusableError(
                f"The signing keys cannot be kept in {path} ({error}): let the user who runs Vently write there."
            ) from error
        try:
            jwks = msgspec.json.decode(text, type=dict[str, list[dict[str, Any]]])
            return cls.of([ECKey.import_key(jwk) for jwk in jwks["keys"]])
        except (ValueError, KeyError, TypeError, JoseError) as error:
            raise KeysUnusableError(
                f"The signing keys in {path} cannot be read ({error}): put the file back from a backup, "
                "or delete it to make new keys, which signs everyone out."
            ) from error

    @classmethod
    def of(cls, keys: list[ECKey]) -> "Keys":
        if not keys or any(key.curve_name != CURVE or not key.kid for key in keys) or not keys[0].is_private:
            raise ValueError(f"each key must be on {CURVE} and have a kid, and the first be private")
        # Only the public halves verify, so that nothing but `signing` ever holds a secret.
        halves = {str(key.kid): ECKey.import_key(_published(key)) for key in keys}
        return cls(keys[0], halves, {"keys": [_published(key) for key in keys]})


def _published(key: ECKey) -> dict[str, Any]:
    point = key.as_dict(private=False)
    return {
        "kty": "EC",
        "crv": CURVE,
        "x": point["x"],
        "y": point["y"],
        "kid": key.kid,
        "alg": ALGORITHM,
        "use": "sig",
        "key_ops": ["verify"],
    }


def _make(path: Path) -> None:
    """Write the file under another name, then link it into place: the first process wins, the others read its key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = ECKey.generate_key(CURVE, private=True, auto_kid=False)
    jwk = {**key.as_dict(private=True), "kid": secrets.token_hex(8), "alg": ALGORITHM, "use": "sig"}
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode({"keys": [jwk]}))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        _settle(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """A new name is safe from a power cut only once its folder is written too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
