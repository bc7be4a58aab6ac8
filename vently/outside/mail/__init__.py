"""Mail: a letter, whoever takes it away, and the post that delivers behind the back of a request."""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, Protocol

import structlog
from msgspec import Struct

log = structlog.get_logger(__name__)

PAUSES = (5.0, 30.0, 120.0, 600.0)
"""Seconds before the second, third … try."""


class Attachment(Struct, frozen=True):
    """A file that goes with a letter. `kind`: its media type without parameters; texts are UTF-8."""

    name: str
    kind: str
    content: bytes


class Mail(Struct, frozen=True):
    """A letter to one person; `text` and `html` say the same."""

    to: str
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


class MailRefused(Exception):
    """This letter will never be taken. The sentence names neither address nor words of it: it is logged."""


class MailDelayed(Exception):
    """Not taken now; trying again later may help. The sentence is logged, as that of MailRefused."""


class Mailer(Protocol):
    """Who takes letters away."""

    async def send(self, mail: Mail) -> None:
        """Returns when the letter is out of our hands. Raises MailRefused or MailDelayed."""


class Post:
    """Delivers in the background, so that nobody can tell from an answer's time whether a letter was sent.

    What is still waiting when the process is killed is lost: people ask for another letter.
    """

    def __init__(
        self,
        mailer: Mailer,
        *,
        at_once: int = 4,
        most: int = 10_000,
        pauses: Sequence[float] = PAUSES,
        lag: float = 0.2,
    ) -> None:
        """`lag`: seconds within which writing begins, at a moment nobody can know: the answer is away by then, and the
        work slows down no other that whoever asked could measure.
        """
        self._mailer = mailer
        self._most = most
        self._pauses = pauses
        self._lag = lag
        self._hands = asyncio.Semaphore(at_once)
        self._desks = asyncio.Semaphore(2)  # who writes holds a connection of the database
        self._closing = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, mail: Mail) -> None:
        """Takes the letter and returns at once. More than `most` waiting letters are logged and dropped."""
        self._begin(lambda: self._deliver(mail))

    def write(self, writing: Callable[[], Awaitable[Iterable[Mail]]]) -> None:
        """Returns at once as well; the letters, and whether there are any, are found out behind it."""
        self._begin(lambda: self._write(writing))

    async def settled(self) -> None:
        """Returns once nothing is under way."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def close(self, seconds: float) -> None:
        """Take no more; what waits for another try has its last one now. After `seconds` the rest is given up."""
        self._closing.set()
        if not self._under_way:
            return
        _, late = await asyncio.wait(set(self._under_way), timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
            log.error("mail lost at shutdown", letters=len(late))

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if self._closing.is_set() or len(self._under_way) >= self._most:
            log.error("mail not taken", waiting=len(self._under_way), closing=self._closing.is_set())
            return
        task = asyncio.create_task(work())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _write(self, writing: Callable[[], Awaitable[Iterable[Mail]]]) -> None:
        await asyncio.sleep(random.uniform(self._lag / 4, self._lag))
        try:
            async with self._desks:
                letters = list(await writing())
        except Exception as error:  # noqa: BLE001 - nobody waits for it, and no letter keeps others from being written
            where = traceback.extract_tb(error.__traceback__)[-1]
            log.error("mail not written", error=type(error).__name__, where=f"{where.name}:{where.lineno}")  # noqa: TRY400 - see _reason
            return
        await asyncio.gather(*map(self._deliver, letters))

    async def _deliver(self, mail: Mail) -> None:
        tries = 0
        while True:
            tries += 1
            last = self._closing.is_set() or tries > len(self._pauses)
            async with self._hands:
                failure = await _try(self._mailer, mail)
            if failure is None:
                return
            if last or not isinstance(failure, MailDelayed):
                log.error("mail not delivered", reason=_reason(failure), tries=tries)
                return
            log.warning("mail delayed", reason=_reason(failure), tries=tries)
            await self._pause(self._pauses[tries - 1])

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return


async def _try(mailer: Mailer, mail: Mail) -> Exception | None:
    try:
        await mailer.send(mail)
    except Exception as error:  # noqa: BLE001 - whatever a mailer's fault, the others' letters go on
        return error
    return None


def _reason(failure: Exception) -> str:
    """Any other error's words and traceback may quote the letter; its name does not."""
    return str(failure) if isinstance(failure, MailRefused | MailDelayed) else type(failure).__name__
