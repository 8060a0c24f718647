"""Whole lives of hosts, as two engines lived them with another plugin."""

from collections import Counter

import pytest

from tests.conformance.replay import DATA, LABEL, Call, Replay, sessions

ENGINES = sorted(path.stem for path in DATA.iterdir())
LIVES = [
    pytest.param(calls, id=f"{engine}-{number}")
    for engine in ENGINES
    for number, calls in enumerate(sessions(engine), 1)
]


@pytest.fixture
def replay() -> Replay:
    """A host where pynet has never been."""
    return Replay()


@pytest.mark.parametrize("calls", LIVES)
def test_every_call_is_answered_as_the_engine_needs_it(replay: Replay, calls: list[Call]) -> None:
    """In the recorded order, and nothing is left when the last network goes."""
    replay.run(calls)
    rig = replay.plugin.rig
    assert {network.id for network in rig.store.networks()} == replay.networks
    for network in sorted(replay.networks):
        replay.plugin.call("NetworkDriver.DeleteNetwork", {"NetworkID": network})

    assert rig.held() == frozenset()
    assert rig.store.networks() == ()
    assert rig.health.conditions == ()


@pytest.mark.parametrize("calls", LIVES)
def test_a_tick_between_any_two_calls_changes_nothing(replay: Replay, calls: list[Call]) -> None:
    """Healing never works against what the engine is doing."""
    for call in calls:
        replay.run([call])
        rig = replay.plugin.rig
        before = rig.held()
        rig.healer.heal()

        assert rig.held() == before, call


@pytest.mark.parametrize("engine", ENGINES)
def test_a_link_of_the_legacy_kind_is_never_heard_of(engine: str) -> None:
    """The last life is that of ``docker run --link``, of which the driver learns no pairs.

    Nothing that the driver is sent distinguishes a container that has such a link.
    """
    *_, calls = sessions(engine)
    first, second = (
        call.body["Options"]
        for call in calls
        if call.body and call.method == "NetworkDriver.CreateEndpoint"
    )

    assert set(first) == set(second) == {LABEL + "portmap", LABEL + "endpoint.exposedports"}
    assert second == {label: [] for label in second}
    joined = [call.body for call in calls if call.method == "NetworkDriver.Join"]
    assert [body and body["Options"] for body in joined] == [first, second]


def test_the_recordings_have_something_to_say() -> None:
    """A replay of nothing would pass."""
    counts: Counter[str] = Counter()
    for engine in ENGINES:
        for calls in sessions(engine):
            replay = Replay()
            replay.run(calls)
            counts += replay.counts

    assert counts["NetworkDriver.Join"] > 20
    assert counts["NetworkDriver.ProgramExternalConnectivity"] > 10
    assert counts["IpamDriver.RequestAddress"] > 20
    assert counts["empty"] >= 2
    assert counts["in vain"] > 20
