"""What is said of repeated measurements."""

import math

import pytest

from tests.benchmarks.sample import Sample, excess, ratio, round_by_round


def test_quantiles_lie_between_neighbours() -> None:
    """A quantile between two values is taken from both, in proportion."""
    sample = Sample.of([4, 1, 3, 2])

    assert sample.smallest == 1
    assert sample.median == 2.5
    assert sample.quantile(0.25) == 1.75
    assert sample.quantile(1) == 4


def test_one_value_is_its_own_spread() -> None:
    """What was measured once has every quantile in the same place."""
    sample = Sample.of([7])

    assert sample.median == sample.quantile(0.99) == sample.smallest == 7


def test_median_does_not_mind_one_bad_moment() -> None:
    """An outlier moves the tail and leaves the median."""
    sample = Sample.of([*[1.0] * 99, 1000.0])

    assert sample.median == 1
    assert sample.quantile(0.99) > 1


def test_nothing_measured_is_no_sample() -> None:
    """There is no median of nothing."""
    with pytest.raises(ValueError, match="a sample needs a value"):
        Sample.of([])


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_a_fraction_is_between_0_and_1(fraction: float) -> None:
    """99 is not the 99th percentile."""
    with pytest.raises(ValueError, match="expected 0 to 1"):
        Sample.of([1]).quantile(fraction)


def test_ratio_is_of_medians() -> None:
    """Tails do not enter the ratio."""
    assert ratio(Sample.of([1, 2, 90]), Sample.of([4, 4, 4])) == 0.5


def test_no_ratio_to_nothing() -> None:
    """A comparison with what costs nothing, or less, says nothing."""
    assert math.isnan(ratio(Sample.of([1]), Sample.of([0])))


def test_excess_is_taken_round_by_round() -> None:
    """A round that was slow as a whole does not count as slow beyond its base."""
    assert excess([3, 13, 23], [1, 11, 21]) == Sample.of([2, 2, 2])


def test_excess_needs_equal_rounds() -> None:
    """A round without its base is a mistake of the figure."""
    with pytest.raises(ValueError, match="zip"):
        excess([1, 2], [1])


def test_the_median_is_in_its_interval() -> None:
    """Which is as wide as few values make it."""
    assert Sample.of(range(1, 4)).interval == (1, 3)
    low, high = Sample.of(range(1, 101)).interval
    assert low < 50.5 < high
    assert (low, high) == (41, 61)


def test_rounds_are_compared_with_themselves() -> None:
    """One that was slow for both says nothing of either."""
    assert round_by_round([1.0, 10.0, 2.0], [1.0, 10.0, 1.0]).values == (1.0, 1.0, 2.0)
