"""How long the caller will wait."""

import pytest

from plugin import deadline
from plugin.deadline import TimedLock
from plugin.errors import BusyError, LateError
from tests.kernel.netns import wait_until


def test_without_one_a_wait_has_its_own_bound() -> None:
    """A tick may take its time."""
    deadline.check()

    assert deadline.remaining(7) == 7


def test_no_wait_is_longer_than_the_caller_waits() -> None:
    """However many waits came before it."""
    with deadline.within(5):
        assert deadline.remaining(7) <= 5
        assert deadline.remaining(2) == 2


def test_when_it_is_over_nobody_waits_and_nothing_is_kept() -> None:
    """The answer was given without the result."""
    with deadline.within(0):
        wait_until(lambda: deadline.remaining(1) == 0, "the time is not over")
        with pytest.raises(LateError):
            deadline.check()


def test_undoing_has_a_time_of_its_own() -> None:
    """It begins when the other is over."""
    with deadline.within(0):
        with deadline.within(9):
            deadline.check()
            assert deadline.remaining(10) > 1

        assert deadline.remaining(10) == 0


class TestTimedLock:
    @pytest.mark.parametrize(("most", "wait"), [(0.01, 60.0), (60.0, 0.01)])
    def test_it_is_waited_for_until_the_earlier_end(self, most: float, wait: float) -> None:
        """Its own bound, or the caller's deadline."""
        lock = TimedLock(most, lambda seconds: BusyError(f"kept for {seconds:.2f} s"))
        with (
            lock,
            deadline.within(wait),
            pytest.raises(BusyError, match=r"kept for 0\.0[01] s"),
            lock,
        ):
            raise AssertionError

    def test_it_is_free_again_after_whatever_happens(self) -> None:
        """A failure in the block, and a wait in vain."""
        lock = TimedLock(0.01, lambda _: BusyError("kept"))
        with pytest.raises(KeyError), lock:
            raise KeyError
        with lock, pytest.raises(BusyError):
            lock.__enter__()

        with lock, deadline.within(0):
            assert deadline.remaining(1) < 1
