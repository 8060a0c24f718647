"""One stage of a run: a command, what it needs, and about how long it takes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A command line for the shell; ``after`` names stages that must have succeeded before.

    ``seconds`` is what it took beside its neighbours on two quiet processors, and is what a
    budget is reckoned with.
    """

    name: str
    command: str
    seconds: int
    after: tuple[str, ...] = ()
    lane: str = "main"
