"""How a worker works: how much at once, how often it looks, and how long it waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The numbers are seconds, but for `slots`: how many jobs run at once."""

    slots: int = 8
    poll: float = 1.0
    lease: float = 15.0
    """A worker that is silent for so long is taken for gone, by the database's clock."""
    longest_run: float = 3600.0
    first_retry: float = 2.0
    longest_retry: float = 3600.0
    grace: float = 10.0
    """What runs may take to end when the worker must; then it is left to others."""

    @property
    def spare(self) -> int:
        """Slots for kinds of which none runs here: a flood of one kind does not keep the others waiting."""
        return self.slots // 4


USUAL = Pace()
