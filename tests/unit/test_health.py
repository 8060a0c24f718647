"""What works and what does not."""

import threading

import pytest

from plugin.health import Health, Status


@pytest.fixture
def health() -> Health:
    """Of a plugin that has just started."""
    return Health()


def test_it_is_starting_until_it_is_ready(health: Health) -> None:
    """And ok from then on."""
    before = health.status
    health.ready()

    assert (before, health.status) == (Status.STARTING, Status.OK)


def test_a_condition_degrades_it_until_it_is_over(health: Health) -> None:
    """The part that raised it says that it is over."""
    health.ready()
    health.degrade("firewall", "nft is not there", "install it")
    during = health.status
    health.recover("firewall")

    assert (during, health.status) == (Status.DEGRADED, Status.OK)


def test_saying_it_again_keeps_its_time_and_takes_the_new_reason(health: Health) -> None:
    """Since when is what people ask first."""
    health.degrade("firewall", "one", "a")
    first = health.conditions[0]
    health.degrade("firewall", "two", "b")

    (condition,) = health.conditions
    assert condition.since == first.since
    assert (condition.why, condition.remedy) == ("two", "b")


def test_conditions_are_told_oldest_first(health: Health) -> None:
    """The first is mostly the cause."""
    for what in ("b", "a", "c"):
        health.degrade(what, "", "")
    health.recover("x")

    assert [condition.what for condition in health.conditions] == ["b", "a", "c"]


def test_since_moves_with_the_status_alone(health: Health, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with every word that is said."""
    times = iter(range(100, 200))
    monkeypatch.setattr("plugin.health.time.time", lambda: float(next(times)))
    health.ready()
    started = health.since
    health.degrade("a", "", "")
    degraded = health.since
    health.degrade("b", "", "")
    health.recover("a")

    assert started < degraded == health.since


def test_a_call_that_waits_is_told(health: Health) -> None:
    """A call that came before pynet was ready."""
    assert not health.wait_ready(0)
    threading.Thread(target=health.ready).start()

    assert health.wait_ready(5)


def test_changes_are_told() -> None:
    """Each condition once when it comes, and once when it goes."""
    told: list[tuple[str, str]] = []
    health = Health(lambda what, condition: told.append((what, condition.what)))
    health.degrade("firewall", "gone", "install it")
    health.degrade("firewall", "still gone", "install it")
    health.recover("firewall")
    health.recover("firewall")

    assert told == [("degraded", "firewall"), ("recovered", "firewall")]
