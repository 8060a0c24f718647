"""What a dockerd that was killed will never mention again, and what it may yet speak of."""

import pytest

from plugin.model.ids import handoff_name, port_name
from plugin.upkeep.drift import Inspector
from plugin.upkeep.idle_timer import (
    ENDPOINT_SECONDS,
    INHERITED_SECONDS,
    LEFT_SECONDS,
    NETWORK_SECONDS,
    IdleTimer,
)
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
IDS = (BLUE.id, WEB.id)


@pytest.fixture
def rig() -> Rig:
    """A plugin with one network."""
    made = Rig()
    made.networks.create(BLUE)
    return made


def wait(rig: Rig, seconds: float) -> None:
    """Look, wait, and look again, as ticks do."""
    rig.healer.heal()
    rig.now += seconds
    rig.healer.heal()


def known(rig: Rig) -> bool:
    return rig.store.endpoint(WEB.id) is not None


class TestEndpoints:
    @pytest.mark.parametrize("ours", [False, True], ids=["another IPAM", "our IPAM"])
    def test_one_that_never_joined_is_collected(self, rig: Rig, ours: bool) -> None:
        """dockerd ended before it noted that it had asked for it."""
        rig.addresses.ours = ours
        rig.endpoints.create(WEB)
        wait(rig, ENDPOINT_SECONDS - 1)
        early = known(rig)
        wait(rig, 1)

        assert early
        assert not known(rig)
        assert rig.addresses.bound == set()

    def test_one_whose_sandbox_is_gone_is_collected(self, rig: Rig) -> None:
        """The engine will never say so."""
        alone = rig.held()
        rig.run(BLUE, WEB, a_binding())
        rig.host.delete_link(port_name(WEB.id))
        rig.healer.heal()
        wait(rig, LEFT_SECONDS)

        assert not known(rig)
        assert rig.held() == alone

    def test_one_whose_addresses_docker_gave_back_is_collected_at_once(self, rig: Rig) -> None:
        """It had deleted it; its word was lost, as by a plugin that was killed."""
        alone = rig.held()
        rig.addresses.ours = True
        rig.run(BLUE, WEB, a_binding())
        rig.addresses.bound.clear()
        rig.healer.heal()
        while_joined = known(rig)
        rig.endpoints.leave(*IDS)
        rig.healer.heal()

        assert while_joined
        assert not known(rig)
        assert rig.held() == alone

    def test_one_whose_sandbox_gave_the_link_back_is_collected(self, rig: Rig) -> None:
        """dockerd does so when a sandbox ends, whatever its driver says, or if it says nothing."""
        rig.addresses.ours = True
        alone = rig.held()
        rig.run(BLUE, WEB, a_binding())
        rig.host.hand_back(handoff_name(WEB.id))
        wait(rig, LEFT_SECONDS - 1)
        early = known(rig)
        wait(rig, 1)

        assert early
        assert not known(rig)
        assert rig.held() == alone
        assert rig.addresses.bound == set()

    @pytest.mark.parametrize("ours", [False, True], ids=["another IPAM", "our IPAM"])
    @pytest.mark.parametrize("how", ["link back", "sandbox gone"])
    def test_what_ended_while_pynet_was_away_is_found_at_once(
        self, rig: Rig, how: str, ours: bool
    ) -> None:
        """And its ports and address are free: Docker will never speak of it again."""
        rig.addresses.ours = ours
        alone = rig.held()
        rig.run(BLUE, WEB, a_binding())
        if how == "link back":
            rig.host.hand_back(handoff_name(WEB.id))
        else:
            rig.host.delete_link(port_name(WEB.id))
            rig.host.ended_sandboxes.add(SANDBOX)
        again = rig.restarted()
        again.now += INHERITED_SECONDS
        again.healer.heal()

        assert not known(again)
        assert again.held() == alone
        assert again.addresses.bound == set()

    def test_what_runs_on_is_left_alone_by_a_restart(self, rig: Rig) -> None:
        """However long pynet was away."""
        rig.run(BLUE, WEB, a_binding())
        again = rig.restarted()
        wait(again, 1e7)

        assert known(again)
        assert again.held() == again.wanted()

    def test_one_that_is_just_being_joined_is_left_alone(self, rig: Rig) -> None:
        """Its link waits on the host until dockerd takes it."""
        rig.endpoints.create(WEB)
        rig.endpoints.join(*IDS, SANDBOX)
        wait(rig, LEFT_SECONDS - 1)
        rig.host.hand_over(handoff_name(WEB.id))
        wait(rig, 1e7)

        assert known(rig)

    def test_one_with_a_link_is_not_touched(self, rig: Rig) -> None:
        """dockerd may be away for weeks while its containers run on (live-restore)."""
        rig.run(BLUE, WEB, a_binding())
        wait(rig, 1e7)

        assert known(rig)
        assert rig.held() == rig.wanted()

    def test_one_that_has_left_and_has_its_link_is_not_touched(self, rig: Rig) -> None:
        """dockerd ended in between, and the container may run on with it."""
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)
        wait(rig, 1e7)

        assert known(rig)

    def test_one_that_has_left_and_whose_link_is_back_is_collected(self, rig: Rig) -> None:
        """Its deletion never came."""
        alone = rig.held()
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)
        rig.host.hand_back(handoff_name(WEB.id))
        wait(rig, LEFT_SECONDS)

        assert not known(rig)
        assert rig.held() == alone

    def test_one_that_joins_meanwhile_begins_anew(self, rig: Rig) -> None:
        """The wait counts without a break only."""
        rig.endpoints.create(WEB)
        wait(rig, ENDPOINT_SECONDS - 1)
        rig.endpoints.join(*IDS, "/var/run/docker/netns/1")
        rig.host.hand_over(handoff_name(WEB.id))
        rig.healer.heal()
        rig.host.delete_link(port_name(WEB.id))
        wait(rig, LEFT_SECONDS - 1)

        assert known(rig)


class TestWithoutLinks:
    """Mode null: nothing on the host shows that a container has the endpoint, but its sandbox."""

    NOWHERE = a_network("nowhere", "0.0.0.0/0", mode="null")
    NOBODY = an_endpoint(NOWHERE, 0, "nobody", mac_address="", ipv4=None)

    @pytest.fixture
    def rig(self) -> Rig:
        made = Rig()
        made.networks.create(self.NOWHERE)
        made.run(self.NOWHERE, self.NOBODY)
        return made

    def test_one_that_runs_stays(self, rig: Rig) -> None:
        """However long."""
        wait(rig, ENDPOINT_SECONDS)

        found = rig.store.endpoint(self.NOBODY.id)
        assert found is not None
        assert found.joined

    def test_one_whose_sandbox_has_ended_is_collected(self, rig: Rig) -> None:
        """One for each time that dockerd was killed."""
        rig.host.ended_sandboxes.add(SANDBOX)
        rig.healer.heal()
        wait(rig, ENDPOINT_SECONDS)

        assert rig.store.endpoint(self.NOBODY.id) is None
        assert rig.health.conditions == ()

    def test_the_network_may_be_forgotten(self, rig: Rig) -> None:
        """Where sandboxes are not to be seen: `pynet gc` asks Docker."""
        inspector = Inspector(rig.store, rig.reconciler, rig.bound)
        rig.networks.create(BLUE)
        rig.run(BLUE, WEB)

        assert not inspector.is_seen(self.NOWHERE)
        assert inspector.is_seen(BLUE)

    def test_the_network_of_what_ended_may_be_forgotten(self, rig: Rig) -> None:
        """What is left of a container is no container."""
        inspector = Inspector(rig.store, rig.reconciler, rig.bound)
        rig.networks.create(BLUE)
        rig.run(BLUE, WEB)
        rig.host.hand_back(handoff_name(WEB.id))

        assert not inspector.is_seen(BLUE)


class TestNetworks:
    def test_one_whose_pools_were_given_back_is_collected(self, rig: Rig) -> None:
        """Its deletion never came, or the answer to its creation was lost with the plugin."""
        rig.addresses.given_back.add(BLUE.id)
        wait(rig, NETWORK_SECONDS - 1)
        early = rig.store.networks()
        wait(rig, 1)

        assert early
        assert rig.store.networks() == ()
        assert rig.held() == frozenset()

    def test_one_with_a_running_container_is_not_touched(self, rig: Rig) -> None:
        """Whatever the address side says."""
        rig.run(BLUE, WEB)
        rig.addresses.given_back.add(BLUE.id)
        wait(rig, 1e7)

        assert len(rig.store.networks()) == 1


class TestClock:
    def test_each_is_waited_for_by_itself(self) -> None:
        """And one that is not idle any more is forgotten."""
        now = 0.0
        timer = IdleTimer(lambda: now)
        one, both = {"a": 10.0}, {"a": 10.0, "b": 10.0}
        timer.due("blue", one)
        now = 5.0
        timer.due("blue", both)
        now = 10.0
        first = timer.due("blue", both)
        timer.due("blue", {"b": 10.0})
        now = 15.0

        assert first == {"a"}
        assert timer.due("blue", both) == {"b"}
        assert timer.due("red", {"b": 10.0}) == frozenset()

    def test_scopes_that_are_gone_are_forgotten(self) -> None:
        """Or a plugin that runs for months would remember every network there was."""
        now = 0.0
        timer = IdleTimer(lambda: now)
        timer.due("blue", {"a": 10.0})
        timer.due("red", {"a": 10.0})
        timer.keep(["red", "green"])
        now = 10.0

        assert timer.due("blue", {"a": 10.0}) == frozenset()
        assert timer.due("red", {"a": 10.0}) == {"a"}
