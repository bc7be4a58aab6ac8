"""What of people's words stands in documents and letters: all that shows, nothing that changes what is around it."""

import unicodedata

# They turn the direction of whatever follows them, also of words that are not theirs (Unicode, UAX #9).
_TURNING = frozenset(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
_NO_LETTERS = range(0xFDD0, 0xFDF0)


def visible(text: str) -> str:
    """Line breaks and tabs become blanks. What is left, XML and JSON can hold."""
    return "".join(" " if _breaks(letter) else letter for letter in text if _breaks(letter) or _shows(letter))


def line(text: str | None) -> str:
    """As one line, with single blanks."""
    return " ".join(visible(text or "").split())


def lines(text: str | None) -> list[str]:
    """Those that say something."""
    return [kept for row in (text or "").splitlines() if (kept := line(row))]


def _breaks(letter: str) -> bool:
    return letter.isspace() and unicodedata.category(letter) != "Zs"


def _shows(letter: str) -> bool:
    """No control, no half letter (surrogate), none that Unicode keeps from being one (U+FFFE and its like)."""
    point = ord(letter)
    if letter in _TURNING or point in _NO_LETTERS or point & 0xFFFE == 0xFFFE:  # noqa: PLR2004 - the last two of a plane
        return False
    return unicodedata.category(letter) not in {"Cc", "Cs"}
