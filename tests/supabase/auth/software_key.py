"""An authenticator made of software: honest unless a test tells it to lie."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftwareKey:
    """One credential. `lies` replace what an honest one would say: origin, rp_id, challenge, type, flags, format …"""

    origin: str = "https://vently.example"
    counter: int = 0
    counts: bool = True
    id: bytes = field(default_factory=lambda: os.urandom(32))
    handle: bytes = b""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answers `navigator.credentials.create()`."""
        self.handle = decode(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options, lies)
        data = self._data(lies.get("rp_id", options["rp"]["id"]), ATTESTED, lies)
        identity = lies.get("aaguid", bytes(16)) + len(self.id).to_bytes(2) + self.id
        data += identity + cbor2.dumps(self._cose())
        attested = {"fmt": lies.get("format", "none"), "attStmt": {}, "authData": data}
        if attested["fmt"] == "packed":
            attested["attStmt"] = {"alg": -7, "sig": self._sign(data + hashlib.sha256(client_data).digest(), lies)}
        return self._answer(
            {
                "clientDataJSON": encode(client_data),
                "attestationObject": encode(cbor2.dumps(attested)),
                "transports": ["usb"],
            }
        )

    def get(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """Answers `navigator.credentials.get()`."""
        client_data = self._client_data("webauthn.get", options, lies)
        data = self._data(lies.get("rp_id", options["rpId"]), 0, lies)
        signature = self._sign(data + hashlib.sha256(client_data).digest(), lies)
        return self._answer(
            {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(signature),
                "userHandle": encode(lies.get("handle", self.handle)),
            }
        )

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": encode(self.id),
            "rawId": encode(self.id),
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }

    def _client_data(self, kind: str, options: dict[str, Any], lies: dict[str, Any]) -> bytes:
        said = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": lies.get("cross_origin", False),
        }
        return json.dumps(said).encode()

    def _data(self, rp_id: str, flags: int, lies: dict[str, Any]) -> bytes:
        self.counter += self.counts
        flags |= lies.get("flags", USER_PRESENT | USER_VERIFIED)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + lies.get("counter", self.counter).to_bytes(4)

    def _sign(self, signed: bytes, lies: dict[str, Any]) -> bytes:
        return lies.get("signer", self.key).sign(signed, ec.ECDSA(SHA256()))

    def _cose(self) -> dict[int, Any]:
        """RFC 9052: EC2, ES256, P-256."""
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}
