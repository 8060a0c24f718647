"""Each layer has its own time, and none of what is below it."""

import time

import pytest

from tests.benchmarks.layers import timers


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def go_on(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the timers look at."""
    found = Clock()
    monkeypatch.setattr(time, "perf_counter", lambda: found.now)
    return found


def test_a_layer_has_the_time_that_none_below_it_has(clock: Clock) -> None:
    """Two visits of one layer count together."""
    below = timers.timed("below", clock.go_on)

    def work() -> str:
        clock.go_on(1)
        below(10)
        clock.go_on(100)
        below(1000)
        return "done"

    assert timers.recorded("top", work) == ("done", {"top": 101, "below": 1010})


def test_a_failure_ends_its_layers_alone(clock: Clock) -> None:
    """What is done about it is the caller's time."""

    def fail() -> None:
        clock.go_on(1)
        raise ZeroDivisionError

    def work() -> None:
        with pytest.raises(ZeroDivisionError):
            timers.timed("below", fail)()
        clock.go_on(10)

    assert timers.recorded("top", work) == (None, {"top": 10, "below": 1})


def test_nothing_is_counted_outside_of_a_recording(clock: Clock) -> None:
    """A start, and what runs by itself."""
    timers.timed("below", clock.go_on)(5)

    assert timers.recorded("top", lambda: clock.go_on(1)) == (None, {"top": 1})
