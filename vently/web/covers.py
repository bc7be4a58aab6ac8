"""Generated covers: a quiet gradient and a geometric pattern, the same picture for the same seed for ever."""

from collections.abc import Callable, Iterator
from hashlib import blake2b, shake_128
from math import cos, pi, sin

WIDTH, HEIGHT = 800, 450
ANY = "any"
SPECK = 4  # halftone dots up to this wide are left out

# Ground from and to, then three shapes: mid-tones with one light and one deep note, at ease on white and on black.
PALETTES = (
    ("#0f4c5c", "#2a9d8f", "#e9c46a", "#f4f1de", "#12394a"),
    ("#3d348b", "#7678ed", "#f7b801", "#f3ecff", "#2a2466"),
    ("#1b4965", "#62b6cb", "#ffb4a2", "#f0f8ff", "#13354b"),
    ("#5f0f40", "#c2456d", "#fb8b6f", "#fff0ea", "#43092d"),
    ("#264653", "#4d908e", "#f9844a", "#fdf0d5", "#1b323c"),
    ("#283618", "#6a994e", "#f2e8a0", "#f7f7e8", "#1d2811"),
    ("#7f2c1c", "#d9734e", "#f6c28b", "#fff3e4", "#591e13"),
    ("#1d3557", "#457b9d", "#e6838b", "#f1faee", "#14253d"),
    ("#4a2c6d", "#9c6bb3", "#f2b5d4", "#fbeeff", "#341e4e"),
    ("#0b3c49", "#2e7f9c", "#9ee2c9", "#ecfff8", "#082b35"),
    ("#f0b7a1", "#f7dfc0", "#c8553d", "#fffaf3", "#8a3b2a"),
    ("#a7c7d9", "#dbe9e4", "#e07a5f", "#ffffff", "#3d5a73"),
)


def cover_svg(seed: str, category: str = ANY) -> str:
    """An 800 by 450 picture under 3 KB, whose middle square is one too. A category keeps to two kinds of pattern."""
    dice = Dice(seed)
    dark, light, warm, pale, deep = PALETTES[dice.below(len(PALETTES))]
    kind = dice.below(len(PATTERNS)) if category == ANY else _number(category) + 3 * dice.below(2)
    pattern = PATTERNS[kind % len(PATTERNS)]
    turn = dice.between(15, 75)
    shapes = "".join(pattern(dice, warm, pale, deep))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<linearGradient id="g" gradientTransform="rotate({turn} .5 .5)">'
        f'<stop stop-color="{dark}"/><stop offset="1" stop-color="{light}"/></linearGradient>'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g)"/>{shapes}</svg>'
    )


class Dice:
    """Numbers drawn from a seed alone. Python's `random` may draw otherwise in its next version; SHAKE may not."""

    def __init__(self, seed: str) -> None:
        self._bytes = iter(shake_128(seed.encode()).digest(512))

    def below(self, limit: int) -> int:
        return ((next(self._bytes) << 8) + next(self._bytes)) % limit

    def between(self, low: int, high: int) -> int:
        return low + self.below(high - low + 1)


Pattern = Callable[[Dice, str, str, str], Iterator[str]]


def rings(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """Sound leaving a source, and two bodies that circle it."""
    x, y = dice.between(280, 520), dice.between(150, 300)
    for radius in range(520, 60, -58):
        yield _disc(x, y, radius, pale, 0.07)
    yield _disc(x, y, 62, warm)
    for radius, size, colour in ((172, 20, pale), (114, 13, deep)):
        angle = dice.between(0, 628) / 100
        yield _disc(round(x + radius * cos(angle)), round(y + radius * sin(angle)), size, colour)


def hills(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """A low sun behind rolling land."""
    yield _disc(dice.between(280, 520), dice.between(120, 190), dice.between(55, 85), warm)
    for row, (colour, strength) in enumerate(((pale, 0.22), (pale, 0.2), (deep, 0.45), (deep, 0.8))):
        top = 205 + row * 58
        a, b = dice.between(-70, 70), dice.between(-70, 70)
        path = f"M0 {top}C160 {top + a} 260 {top - a} 400 {top}S640 {top + b} 800 {top}V450H0Z"
        yield f'<path d="{path}" fill="{colour}" opacity="{strength}"/>'


def quilt(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """Quarter circles laid as tiles."""
    size = 150
    corners = ("M0 0h150A150 150 0 0 1 0 150Z", "M0 0h150v150A150 150 0 0 1 0 0Z",
               "M150 0v150H0A150 150 0 0 1 150 0Z", "M0 0A150 150 0 0 0 150 150H0Z")  # fmt: skip
    for column in range(6):
        for row in range(3):
            colour, strength = ((warm, 0.9), (pale, 0.85), (deep, 0.7), (pale, 0.14), (pale, 0.24))[dice.below(5)]
            place = f"translate({column * size - 50} {row * size})"
            yield f'<path transform="{place}" d="{corners[dice.below(4)]}" fill="{colour}" opacity="{strength}"/>'


def dots(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """A halftone that swells toward one side, with one dot awake."""
    lean, awake = dice.between(0, 628) / 100, (dice.between(5, 7), dice.between(2, 5))
    rows: dict[int, str] = {}
    for column in range(13):
        for row in range(8):
            swell = (sin(lean) * (column - 6) / 6 + cos(lean) * (row - 3.5) / 3.5) / 2
            wide = 2 * round(13 + 13 * swell)
            if wide > SPECK and (column, row) != awake:
                rows[wide] = f"{rows.get(wide, '')}M{column * 62 + 28} {row * 58 + 22}h0"
    lines = "".join(f'<path stroke-width="{wide}" d="{path}"/>' for wide, path in rows.items())
    yield f'<g stroke="{pale}" stroke-linecap="round" opacity=".55">{lines}</g>'
    x, y = awake[0] * 62 + 28, awake[1] * 58 + 22
    yield _disc(x, y, 46, deep, 0.4)
    yield _disc(x, y, 32, warm)


def rays(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """A fan of light from below."""
    x, y, count = dice.between(300, 500), dice.between(430, 500), dice.between(9, 13)
    path = ""
    for ray in range(count):
        start, end = pi * ray * 2 / (count * 2 - 1), pi * (ray * 2 + 1) / (count * 2 - 1)
        path += f"M{x} {y}L{_on_circle(x, y, 900, start)}L{_on_circle(x, y, 900, end)}Z"
    yield f'<path d="{path}" fill="{pale}" opacity=".16"/>'
    for radius, colour, strength in ((235, deep, 0.35), (175, warm, 1.0), (105, pale, 0.9)):
        yield _disc(x, y, radius, colour, strength)


def gathering(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """Discs that meet and overlap."""
    for place, (colour, strength) in enumerate(((deep, 0.5), (pale, 0.18), (warm, 0.85), (pale, 0.8), (deep, 0.45))):
        x, y = 150 + place * 125 + dice.between(-45, 45), dice.between(130, 330)
        yield _disc(x, y, dice.between(70, 150), colour, strength)


def ribbons(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """Bands running together in one direction."""
    left, right = dice.between(130, 330), dice.between(110, 330)
    bend = (150 + dice.between(0, 130)) * (1 - 2 * dice.below(2))
    colours = ((pale, 0.15), (pale, 0.3), (warm, 0.95), (deep, 0.6), (pale, 0.85))
    for band, (colour, strength) in enumerate(colours):
        drop = (band - 2) * 46
        path = f"M-30 {left + drop}C260 {left + drop + bend} 520 {right + drop - bend} 830 {right + drop}"
        yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="46" opacity="{strength}"/>'


def arches(dice: Dice, warm: str, pale: str, deep: str) -> Iterator[str]:
    """Gateways one inside the other, with neighbours."""
    middle = dice.between(340, 460)
    for x, big in ((middle - 330, 0.72), (middle + 330, 0.72), (middle, 1.0)):
        for step, (colour, strength) in enumerate(((pale, 0.2), (deep, 0.55), (warm, 0.95), (pale, 0.9))):
            wide = round((165 - step * 38) * big)
            top = round(HEIGHT - (330 - step * 40) * big)
            path = f"M{x - wide} 450V{top + wide}a{wide} {wide} 0 0 1 {wide * 2} 0V450Z"
            yield f'<path d="{path}" fill="{colour}" opacity="{strength if big == 1 else strength * 0.5}"/>'


PATTERNS: tuple[Pattern, ...] = (rings, hills, quilt, dots, rays, gathering, ribbons, arches)


def _disc(x: int, y: int, radius: int, colour: str, strength: float = 1) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}" opacity="{strength}"/>'


def _on_circle(x: int, y: int, radius: int, angle: float) -> str:
    return f"{round(x - radius * cos(angle))} {round(y - radius * sin(angle))}"


def _number(text: str) -> int:
    return blake2b(text.encode(), digest_size=1).digest()[0]
