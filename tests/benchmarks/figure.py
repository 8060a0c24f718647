"""The contract of a figure: a name, how it is measured, and rows that come of it."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum

from tests.benchmarks.sample import Sample, ratio
from tests.benchmarks.scene import Scene


class Unit(Enum):
    """What the values of a row count, and how many of them make one that is shown."""

    MILLISECONDS = "ms"  # of values in seconds
    MICROSECONDS = "µs"  # of values in seconds
    MEBIBYTES = "MiB"  # of values in bytes
    PER_SECOND = "/s"
    GIGABITS = "Gbit/s"  # of values in bytes per second
    PERCENT = "%"  # of shares of one

    def shown(self, value: float) -> float:
        match self:
            case Unit.MILLISECONDS:
                return value * 1e3
            case Unit.MICROSECONDS:
                return value * 1e6
            case Unit.MEBIBYTES:
                return value / (1 << 20)
            case Unit.GIGABITS:
                return value * 8 / 1e9
            case Unit.PERCENT:
                return value * 100
            case Unit.PER_SECOND:
                return value


class Statistic(Enum):
    """What of a row is held against its reach."""

    MEDIAN = "median"
    P99 = "p99"
    RATIO = "ratio"


class Verdict(Enum):
    """How far what was measured is from what is meant to be reached."""

    MET = "met"
    LEVEL = "level"  # no further from it than the measurement can tell
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Reach:
    """What we mean to reach, in the unit that is shown."""

    bound: float
    statistic: Statistic = Statistic.MEDIAN
    at_least: bool = False

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{self.statistic.value} {sign} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table; `beside` is what the ratio compares it with, maybe round by round."""

    what: str
    sample: Sample
    unit: Unit = Unit.MILLISECONDS
    beside: Sample | None = None
    by_round: Sample | None = None
    reach: Reach | None = None

    @property
    def ratio(self) -> float | None:
        if self.by_round is not None:
            return self.by_round.median
        return None if self.beside is None else ratio(self.sample, self.beside)

    @property
    def verdict(self) -> Verdict | None:
        """How the reach was met; None if none is set."""
        if self.reach is None:
            return None
        value, bound = self._held_against(self.reach.statistic), self.reach.bound
        if value >= bound if self.reach.at_least else value <= bound:
            return Verdict.MET
        if self.by_round is not None and self.reach.statistic is Statistic.RATIO:
            low, high = self.by_round.interval
            return Verdict.LEVEL if low <= bound <= high else Verdict.MISSED
        return Verdict.MISSED

    def _held_against(self, statistic: Statistic) -> float:
        match statistic:
            case Statistic.MEDIAN:
                return self.unit.shown(self.sample.median)
            case Statistic.P99:
                return self.unit.shown(self.sample.quantile(0.99))
            case Statistic.RATIO:
                return math.nan if self.ratio is None else self.ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that is measured: a name for --only, a heading, and how it is done."""

    name: str
    title: str
    method: str
    measure: Callable[[Scene], Iterable[Row]]
