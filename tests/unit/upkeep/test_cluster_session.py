"""What the health says of the cluster while etcd is away, and what of a host that it refuses."""

import threading
from collections.abc import Callable, Iterator

import pytest

from plugin.errors import ClusterAwayError, RefusedError
from plugin.health import Health
from plugin.upkeep.cluster_session import ClusterSession
from tests.kernel.netns import wait_until


class Etcd:
    """Fails as long as it is told to, and counts how often it was asked."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked = 0
        self.changed: Callable[[], None] = lambda: None
        self._condition = threading.Condition()

    def report_to(self, changed: Callable[[], None]) -> None:
        self.changed = changed

    def attend(self) -> None:
        with self._condition:
            self.asked += 1
            self._condition.notify_all()
        if self.failure is not None:
            raise self.failure

    def be(self, failure: Exception | None) -> None:
        """Fail with this from now on, and wait until that has been seen."""
        self.failure = failure
        with self._condition:
            seen = self.asked + 2
            assert self._condition.wait_for(lambda: self.asked >= seen, 60)


@pytest.fixture
def etcd() -> Etcd:
    return Etcd()


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture(autouse=True)
def session(etcd: Etcd, health: Health) -> Iterator[ClusterSession]:
    """Attends all the time."""
    made = ClusterSession(etcd, health, period=0.01)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ClusterAwayError("etcd is not available"), "start from addresses that this host has"),
        (RefusedError("a copy of host one has run since"), "no address of the cluster's pools"),
        (ZeroDivisionError(), "internal error (ZeroDivisionError)"),
    ],
)
def test_a_failure_is_a_condition_until_it_is_over(
    etcd: Etcd, health: Health, failure: Exception, said: str
) -> None:
    """With since when: the time of the first failure."""
    etcd.be(failure)
    (condition,) = health.conditions
    etcd.be(failure)
    (later,) = health.conditions

    assert condition.what == "cluster"
    assert f"{failure}{said}".replace(str(failure), "", 1) in condition.why
    assert later.since == condition.since
    etcd.be(None)
    assert health.conditions == ()


def test_it_ends(etcd: Etcd, session: ClusterSession) -> None:
    """With the process, and asks no more."""
    wait_until(lambda: etcd.asked > 1, "it is asked")
    session.stop()
    asked = etcd.asked

    assert etcd.asked == asked


def test_a_change_is_attended_to_at_once(health: Health) -> None:
    """A pool that was given up is another's soon."""
    etcd = Etcd()
    session = ClusterSession(etcd, health, period=3600)
    wait_until(lambda: etcd.asked == 1, "it is asked")
    etcd.changed()
    wait_until(lambda: etcd.asked == 2, "it is asked again")
    session.stop()
