"""When something is asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, since when the engine has been asking without a break, and its latest replay."""

    now: float
    began: float
    replay: float = 0.0
