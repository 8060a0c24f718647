"""One lock per network, and a gate for a world that stands still; every wait is bounded."""

import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from plugin import deadline
from plugin.errors import BusyError
from plugin.model.ids import NetworkID
from plugin.service.locks import Locks
from tests.kernel.netns import wait_until

BLUE, RED = NetworkID("blue"), NetworkID("red")
SHORT = 0.05


def is_kept_out(locks: Locks) -> bool:
    """Whether a sweep keeps a call out at this moment."""
    try:
        with deadline.within(0), locks.hold(RED):
            return False
    except BusyError:
        return True


@contextmanager
def elsewhere(hold: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """Hold something in another thread for the block."""
    held, over = threading.Event(), threading.Event()

    def run() -> None:
        with hold():
            held.set()
            over.wait(60)

    thread = threading.Thread(target=run)
    thread.start()
    assert held.wait(60)
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def tries(act: Callable[[], AbstractContextManager[None]]) -> bool:
    """Whether something can be held now."""
    try:
        with act():
            return True
    except BusyError:
        return False


class TestHold:
    def test_one_call_at_a_time_for_a_network(self) -> None:
        """The other waits, for a bounded time, and says so."""
        locks = Locks(wait_seconds=SHORT)

        with (
            elsewhere(lambda: locks.hold(BLUE)),
            pytest.raises(
                BusyError, match=r"^network blue has been busy for 0\.05 s with another call$"
            ),
            locks.hold(BLUE),
        ):
            pass

    def test_networks_do_not_wait_for_each_other(self) -> None:
        """A slow one is alone with it."""
        locks = Locks(wait_seconds=SHORT)

        with elsewhere(lambda: locks.hold(BLUE)):
            assert tries(lambda: locks.hold(RED))

    def test_a_thread_that_waits_gets_it(self) -> None:
        """As soon as it is free."""
        locks = Locks(wait_seconds=60)
        order = []

        def second() -> None:
            with locks.hold(BLUE):
                order.append("second")

        waiter = threading.Thread(target=second)
        with locks.hold(BLUE):
            waiter.start()
            order.append("first")
        waiter.join(60)

        assert order == ["first", "second"]

    def test_an_exception_releases_it(self) -> None:
        """Calls are refused all the time."""
        locks = Locks(wait_seconds=SHORT)
        with pytest.raises(ValueError, match="x"), locks.hold(BLUE):
            raise ValueError("x")

        assert tries(lambda: locks.hold(BLUE))

    def test_a_lock_that_nobody_holds_takes_no_memory(self) -> None:
        """Networks come and go for years."""
        locks = Locks(wait_seconds=SHORT)
        names = [NetworkID(f"network {number}") for number in range(2000)]
        tracemalloc.start()
        for name in names:
            with locks.hold(name):
                pass
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert taken < 10 * len(names)


class TestStandstill:
    def test_it_waits_for_calls_to_end(self) -> None:
        """For a bounded time, and says so."""
        locks = Locks(wait_seconds=SHORT)

        with (
            elsewhere(lambda: locks.hold(BLUE)),
            pytest.raises(BusyError, match=r"calls have been running for 0\.05 s without a pause"),
            locks.standstill(),
        ):
            pass

    def test_it_comes_as_soon_as_the_last_call_ends(self) -> None:
        """Not when the wait is over."""
        locks = Locks(wait_seconds=60)
        held = threading.Event()

        def sweep() -> None:
            with locks.standstill():
                held.set()

        sweeper = threading.Thread(target=sweep, daemon=True)
        with locks.hold(BLUE):
            sweeper.start()
            wait_until(lambda: is_kept_out(locks), "the sweep does not wait")

        assert held.wait(60)
        sweeper.join(60)

    def test_calls_wait_for_it_to_end(self) -> None:
        """Whatever network they are about."""
        locks = Locks(wait_seconds=SHORT)

        with elsewhere(locks.standstill):
            assert not tries(lambda: locks.hold(BLUE))
            assert not tries(locks.standstill)
        assert tries(lambda: locks.hold(BLUE))

    def test_an_exception_ends_it(self) -> None:
        """A sweep can fail."""
        locks = Locks(wait_seconds=SHORT)
        with pytest.raises(ValueError, match="x"), locks.standstill():
            raise ValueError("x")

        assert tries(lambda: locks.hold(BLUE))

    def test_one_that_gave_up_leaves_the_gate_open(self) -> None:
        """Else no call would ever come through again."""
        locks = Locks(wait_seconds=SHORT)
        with elsewhere(lambda: locks.hold(BLUE)):
            assert not tries(locks.standstill)
            assert tries(lambda: locks.hold(RED))


class TestRestoring:
    """After a start a network is shut until it has been restored."""

    def test_a_call_waits_for_its_own_network(self) -> None:
        """And is known to wait, so that it comes first."""
        locks = Locks()
        entered = threading.Event()

        def call() -> None:
            with locks.hold(RED):
                entered.set()

        locks.shut([BLUE, RED])
        thread = threading.Thread(target=call)
        thread.start()
        wait_until(lambda: locks.waited_for({BLUE, RED}) == RED, "nobody waits")
        assert not entered.is_set()
        with locks.hold(RED):  # who restores goes in and out
            assert not entered.is_set()
        locks.open(RED)
        thread.join(60)

        assert entered.is_set()
        assert locks.waited_for({BLUE, RED}) is None

    def test_one_that_takes_too_long_is_named(self) -> None:
        """The engine is answered in any case."""
        locks = Locks(wait_seconds=SHORT)
        restorer = threading.Thread(target=locks.shut, args=([BLUE],))
        restorer.start()
        restorer.join()

        with (
            pytest.raises(BusyError, match="network blue is still being restored"),
            locks.hold(BLUE),
        ):
            pass
        with locks.hold(RED):
            pass

    def test_another_thread_may_open_all(self) -> None:
        """What could not be restored is the tick's."""
        locks = Locks(wait_seconds=SHORT)
        restorer = threading.Thread(target=locks.shut, args=([BLUE, RED],))
        restorer.start()
        restorer.join()
        locks.open_all()

        with locks.hold(BLUE), locks.hold(RED):
            pass
