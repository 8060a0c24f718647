"""Repeated measurements of one thing, and what is said of them.

Medians and quartiles, because the noise of a shared machine only ever adds:
a mean would tell mostly of the worst moment.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

_NORMAL_95: Final = 1.96  # standard deviations on either side


@dataclass(frozen=True, slots=True)
class Sample:
    """At least one value, sorted."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a sample needs a value")

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        return cls(tuple(sorted(values)))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def smallest(self) -> float:
        return self.values[0]

    @property
    def median(self) -> float:
        return self.quantile(0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Between which values the median is with 95 % confidence.

        Of the ranks that the binomial distribution gives, by its normal approximation; with
        fewer than six values it is all of them.
        """
        half = _NORMAL_95 * math.sqrt(len(self)) / 2
        low, high = math.floor(len(self) / 2 - half), math.ceil(len(self) / 2 + half)
        return self.values[max(0, low)], self.values[min(len(self) - 1, high)]

    def quantile(self, fraction: float) -> float:
        """Return the value below which this fraction lies, between neighbours in proportion."""
        if not 0 <= fraction <= 1:
            raise ValueError(f"fraction is {fraction}, expected 0 to 1")
        position = fraction * (len(self.values) - 1)
        below = math.floor(position)
        above = math.ceil(position)
        share = position - below
        return self.values[below] * (1 - share) + self.values[above] * share


def ratio(ours: Sample, theirs: Sample) -> float:
    """Return the ratio of medians; NaN if there is nothing to compare with."""
    return ours.median / theirs.median if theirs.median > 0 else math.nan


def excess(values: Iterable[float], base: Iterable[float]) -> Sample:
    """Return what each round cost beyond its own base, in the same round."""
    return Sample.of(value - less for value, less in zip(values, base, strict=True))


def round_by_round(ours: Iterable[float], theirs: Iterable[float]) -> Sample:
    """Return the ratio in each round, which what slows a whole round down leaves as it is."""
    return Sample.of(mine / other for mine, other in zip(ours, theirs, strict=True))
