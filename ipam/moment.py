"""When something is asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Now, and since when the engine has been asking without a break."""

    now: float
    began: float
