"""One stage of a run: a command, what it needs, and about how long it takes."""

from dataclasses import dataclass
from typing import Final

# A machine that is five times as slow, or downloads at first, hangs not yet.
_LEAST_SECONDS: Final = 600.0
_SLOWER: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A command line for the shell; ``after`` names stages that must have succeeded before.

    ``seconds`` is what it took beside its neighbours on two quiet processors, and is what a
    budget is reckoned with.  After ``longest`` seconds it hangs.
    """

    name: str
    command: str
    seconds: int
    after: tuple[str, ...] = ()
    lane: str = "main"
    longest: float = 0.0

    def __post_init__(self) -> None:
        if not self.longest:
            object.__setattr__(self, "longest", _LEAST_SECONDS + _SLOWER * self.seconds)
