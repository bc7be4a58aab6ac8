"""The code of a ticket: what we wrote is read, and nothing else is."""

import base64
import random
import re
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from vently.tickets.issued.codes import LENGTH, MOST_SERIAL, PREFIX, Codes, Seat

SEED, FORMER, STRANGER = bytes(range(32)), b"f" * 32, b"s" * 32
CODES = Codes(SEED)
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group (RFC 8032, 5.1)


def spelled(raw: bytes) -> str:
    return PREFIX + base64.b32encode(raw).decode().rstrip("=")


def unspelled(code: str) -> bytes:
    return base64.b32decode(code.removeprefix(PREFIX))


def flipped(raw: bytes, bit: int) -> bytes:
    return (int.from_bytes(raw) ^ (1 << bit)).to_bytes(len(raw))


@given(st.uuids(), st.integers(0, MOST_SERIAL))
def test_what_was_issued_is_read(ticket, serial):
    code = CODES.issue(ticket, serial)
    assert CODES.read(code) == Seat(ticket, serial)
    assert CODES.read(f" \t{code.lower()}\r\n") == Seat(ticket, serial)
    assert CODES.issue(ticket, serial) == code


@given(st.text() | st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567=", min_size=136, max_size=136).map(lambda t: PREFIX + t))
def test_whatever_is_typed_is_answered_without_a_fault(text):
    assert CODES.read(text) is None


@given(st.binary(min_size=85, max_size=85))
def test_random_bytes_are_no_code(raw):
    assert CODES.read(spelled(raw)) is None
    assert CODES.read(spelled(unspelled(CODES.issue(uuid4(), 0))[:2] + raw[2:])) is None


def test_ten_thousand_forged_codes_admit_nobody():
    dice = random.Random(4)
    forged = []
    for _ in range(9_000):  # one bit changed, of another ticket each time
        raw = unspelled(CODES.issue(UUID(int=dice.getrandbits(128)), dice.randrange(MOST_SERIAL)))
        forged.append(spelled(flipped(raw, dice.randrange(len(raw) * 8))))
    stranger = Codes(STRANGER)
    own_id = unspelled(CODES.issue(uuid4(), 0))[:2]
    forged += [spelled(own_id + unspelled(stranger.issue(uuid4(), 1))[2:]) for _ in range(500)]
    forged += [stranger.issue(uuid4(), 1) for _ in range(500)]
    assert len(set(forged)) == 10_000
    assert [code for code in forged if CODES.read(code)] == []


def test_every_single_bit_counts():
    raw = unspelled(CODES.issue(uuid4(), 7))
    assert [bit for bit in range(len(raw) * 8) if CODES.read(spelled(flipped(raw, bit)))] == []


def test_every_letter_counts():
    code = CODES.issue(uuid4(), 7)
    for place in range(LENGTH):
        for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=$:-":
            other = code[:place] + letter + code[place + 1 :]
            assert (CODES.read(other) is not None) == (other == code)


def test_a_code_cut_or_extended_is_none():
    code = CODES.issue(uuid4(), 7)
    assert [length for length in range(LENGTH) if CODES.read(code[:length])] == []
    for more in ("A", "=", "======", "\0", "0", code, " A"):
        assert CODES.read(code + more) is None
        assert CODES.read(more + code) is None


@pytest.mark.parametrize(
    "written",
    ["\u0131", "\u017f", "\u212a", "\uff21", "\u00a0", "\u2003", "\ud800", "\0", "\x1c", "\u200b"],
)
def test_letters_of_other_alphabets_do_not_stand_for_ours(written):
    code = CODES.issue(uuid4(), 7)
    assert CODES.read(code + written) is None
    for place, letter in enumerate(code):
        if letter in "ISKA":
            assert CODES.read(code[:place] + written + code[place + 1 :]) is None


def test_blanks_inside_are_not_taken():
    code = CODES.issue(uuid4(), 7)
    assert CODES.read(code[:70] + " " + code[70:]) is None
    assert CODES.read(code[:3] + ":" + code[3:]) is None


def test_the_same_signature_written_another_way_is_refused():
    raw = unspelled(CODES.issue(uuid4(), 7))
    scalar = int.from_bytes(raw[53:], "little")
    more = [scalar + times * ORDER for times in range(1, 15)]
    assert [CODES.read(spelled(raw[:53] + one.to_bytes(32, "little"))) for one in more] == [None] * len(more)


def test_keys_rotate_and_codes_of_the_former_key_still_count():
    old, new = Codes(FORMER), Codes(SEED, former=[FORMER])
    ticket = uuid4()
    assert new.read(old.issue(ticket, 3)) == Seat(ticket, 3)
    assert new.issue(ticket, 3) == CODES.issue(ticket, 3) != old.issue(ticket, 3)
    assert old.read(new.issue(ticket, 3)) is None
    assert CODES.read(old.issue(ticket, 3)) is None


def test_a_signature_for_another_purpose_is_no_code():
    said = unspelled(CODES.issue(uuid4(), 0))[:21]
    assert CODES.read(spelled(said + Ed25519PrivateKey.from_private_bytes(SEED).sign(said))) is None


def test_doors_check_codes_with_the_public_keys_alone():
    codes = Codes(SEED, former=[FORMER])
    keys = codes.public_keys()
    assert len(keys) == 2
    raw = unspelled(codes.issue(uuid4(), 0))
    Ed25519PublicKey.from_public_bytes(keys[raw[:2].hex()]).verify(raw[21:], b"vently ticket 1\0" + raw[:21])
    assert SEED not in keys.values()


def test_a_code_is_fit_for_the_alphanumeric_set_of_qr_codes():
    code = CODES.issue(uuid4(), MOST_SERIAL)
    assert len(code) == LENGTH
    assert re.fullmatch(r"VT1[A-Z2-7]{136}", code)


@pytest.mark.parametrize("serial", [-1, MOST_SERIAL + 1])
def test_a_serial_that_does_not_fit_is_not_written(serial):
    with pytest.raises(OverflowError):
        CODES.issue(uuid4(), serial)
