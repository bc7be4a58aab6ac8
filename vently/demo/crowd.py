"""Who joins, follows, comes along and says something: drawn by chance, the same way every time."""

import msgspec

from vently.demo import sources
from vently.demo.chance import chance, shuffled
from vently.demo.dates import Occasion

WAITING = 3
"""How many who asked to join are still waiting for an answer."""


class Ties(msgspec.Struct, frozen=True):
    """What someone joins (besides what they founded) and follows, by the names of files and by handle."""

    joins: list[str]
    follows: list[str]
    people: list[str]


class Answer(msgspec.Struct, frozen=True):
    """Somebody's answer to an event."""

    person: str
    status: str
    guests: int = 0


class Remark(msgspec.Struct, frozen=True):
    """One line of a thread."""

    person: str
    body: str


def ties(person: str) -> Ties:
    likes = sources.neighbours()[person].likes.split()
    circles = sources.circles()
    return Ties(
        joins=[name for name in likes if circles[name].owner != person],
        follows=[name for name in circles if chance("follows", person, name) < (0.5 if name in likes else 0.1)],
        people=[other for other in sources.neighbours() if other != person and _knows(person, other, likes)],
    )


def waiting(circle: str) -> list[str]:
    """Who asked to join and has no answer yet."""
    found = sources.circles()[circle]
    named = {found.owner, *found.admins, *found.moderators, *found.organizers}
    if found.join != "request":
        return []
    return shuffled((fan for fan in sources.fans(circle) if fan not in named), "waits", circle)[:WAITING]


def answers(occasion: Occasion) -> list[Answer]:
    """The host first. Past the wanted heads, some are interested and a few decline."""
    if occasion.event.status == "draft":
        return []
    given = [Answer(occasion.host, "going")]
    heads = 1
    queue = _by_eagerness(occasion)
    while heads < occasion.want and queue:
        person = queue.pop(0)
        guests = _guests(occasion, person)
        given.append(Answer(person, "going", guests))
        heads += 1 + guests
    for status, most in (("interested", 7), ("declined", 3)):
        count = int(chance(status, occasion.key) * most)
        given += [Answer(person, status) for person in queue[:count]]
        del queue[:count]
    return given


def threads(occasion: Occasion) -> list[list[Remark]]:
    """Said by people who come, and by the host."""
    coming = [answer.person for answer in answers(occasion) if answer.status == "going"][1:]
    told = []
    for number, lines in enumerate(occasion.talk):
        asker, joiner, third = (coming[(number * 3 + step) % len(coming)] for step in range(3))
        thread = []
        for turn, line in enumerate(lines):
            if line.startswith("+ "):
                thread.append(Remark(joiner, line.removeprefix("+ ")))
                joiner = third
            else:
                thread.append(Remark(occasion.host if turn % 2 else asker, line))
        told.append(thread)
    return told


def _knows(person: str, other: str, likes: list[str]) -> bool:
    shared = set(likes) & set(sources.neighbours()[other].likes.split())
    busy = any(other in (circle.owner, *circle.admins, *circle.organizers) for circle in sources.circles().values())
    return chance("knows", person, other) < len(shared) * (0.14 if busy else 0.06)


def _by_eagerness(occasion: Occasion) -> list[str]:
    """Those who care first; of an event for members, members alone."""
    fans = set(sources.fans(occasion.circle)) if occasion.circle else set()
    waits = set(waiting(occasion.circle)) if occasion.circle else set()
    inside = occasion.event.visibility == "members"
    able = [p for p in sources.neighbours() if p != occasion.host and (not inside or p in fans - waits)]
    return sorted(able, key=lambda person: chance("goes", occasion.key, person) * (0.4 if person in fans else 1))


def _guests(occasion: Occasion, person: str) -> int:
    drawn = chance("guests", occasion.key, person)
    if occasion.event.visibility == "members":
        return 0
    return 2 if drawn < 0.02 else 1 if drawn < 0.12 else 0  # noqa: PLR2004 - one in eight brings somebody
