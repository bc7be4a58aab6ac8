"""The signed code of a ticket: nobody without the key can write one, and a door without a network can read it.

A code is `VT1` and base32 (RFC 4648, upper case) of 85 bytes: key id (2), ticket (16), serial (3), and the Ed25519
signature (64) of the other 21 with their purpose before them. 85 bytes are exactly 136 letters, so that no bit is left
over and one (ticket, serial, key) has one code. All of it is in the alphanumeric set of QR codes.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

PREFIX = "VT1"
LENGTH = 139
MOST_SERIAL = 2**24 - 1

_PURPOSE = b"vently ticket 1\0"
_KEY_ID = slice(0, 2)
_TICKET = slice(2, 18)
_SERIAL = slice(18, 21)
_SIGNED = slice(0, 21)
_SIGNATURE = slice(21, 85)
_SIZE = 85
_AROUND = " \t\r\n"
_MOST_READ = 4 * LENGTH


class Seat(Struct, frozen=True):
    """What a code says. The serial counts the ticket's owners: after a transfer the code before it is dead."""

    ticket: UUID
    serial: int


class Codes:
    """Writes and reads codes. `seed`: 32 bytes; `former`: seeds before it, whose codes still count."""

    def __init__(self, seed: bytes, *, former: Sequence[bytes] = ()) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._id = _key_id(self._key.public_key())
        self._doors: dict[bytes, Ed25519PublicKey] = {}
        for one in (seed, *former):
            public = Ed25519PrivateKey.from_private_bytes(one).public_key()
            known = self._doors.setdefault(_key_id(public), public)
            if known != public:  # one pair in 65,536
                raise ValueError("two keys of ticket codes share an id: make another key, or let go of the former one")

    def issue(self, ticket: UUID, serial: int) -> str:
        """Always the same code for the same ticket and serial (0 to MOST_SERIAL)."""
        said = self._id + ticket.bytes + serial.to_bytes(3)
        return PREFIX + base64.b32encode(said + self._key.sign(_PURPOSE + said)).decode()

    def read(self, code: str) -> Seat | None:
        """None for whatever no key of ours wrote. Letters may be lower case, with blanks before and after."""
        raw = _raw(code)
        if raw is None:
            return None
        door = self._doors.get(raw[_KEY_ID])
        if door is None:
            return None
        try:
            # OpenSSL refuses the other ways to write the same signature (RFC 8032, 5.1.7: S below the group's order).
            door.verify(raw[_SIGNATURE], _PURPOSE + raw[_SIGNED])
        except InvalidSignature:
            return None
        return Seat(UUID(bytes=raw[_TICKET]), int.from_bytes(raw[_SERIAL]))

    def public_keys(self) -> dict[str, bytes]:
        """For doors that read offline: key id (four hexadecimal digits) -> raw public key (32 bytes)."""
        return {name.hex(): public.public_bytes_raw() for name, public in self._doors.items()}


def _raw(code: str) -> bytes | None:
    """The 85 bytes, unchecked. Other alphabets are refused first: a few have upper cases that are in ours."""
    if len(code) > _MOST_READ or not code.isascii():
        return None
    plain = code.strip(_AROUND).upper()
    if len(plain) != LENGTH or not plain.startswith(PREFIX):
        return None
    try:
        raw = base64.b32decode(plain[len(PREFIX) :])
    except binascii.Error:
        return None
    return raw if len(raw) == _SIZE else None  # fewer when the last letters are "="


def _key_id(public: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(public.public_bytes_raw()).digest()[:2]
