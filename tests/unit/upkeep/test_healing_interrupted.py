"""Healing after something ended too early: a process, a call, a link, or the state."""

from dataclasses import replace

import pytest

from plugin.drivers.registry import bind
from plugin.errors import StoreError
from plugin.health import Status
from plugin.model.ids import NetworkID, bridge_name, port_name
from plugin.model.network import NetworkState
from plugin.model.resources import Resource
from tests.fakes.faults import CrashError
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, a_published_port, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
IDS = (BLUE.id, WEB.id)


@pytest.fixture
def rig() -> Rig:
    """A plugin with one network, and a container with a published port on it."""
    made = Rig()
    made.networks.create(BLUE)
    made.run(BLUE, WEB, a_binding())
    made.faults.arm(None)
    made.health.ready()
    return made


class TestLostState:
    def test_nothing_is_removed_by_a_state_that_has_just_begun(self, rig: Rig) -> None:
        """Containers run on what an earlier state knew."""
        held = rig.held()
        rig.store.delete_network(BLUE.id)
        rig.store.is_settled = False
        rig.healer.heal()
        (condition,) = rig.health.conditions
        kept = rig.held()
        rig.store.settle()
        rig.healer.heal()

        assert condition.what == "left-overs"
        assert "pynet gc" in condition.remedy
        assert kept == held
        assert rig.host.ours == rig.firewall.read() == frozenset()
        assert rig.health.conditions == ()

    def test_a_host_without_anything_of_ours_settles_it(self, rig: Rig) -> None:
        """The first start of all."""
        rig.store.is_settled = False
        rig.healer.heal()

        assert rig.store.settled()


class TestLostLink:
    def test_the_endpoint_is_detached_and_its_ports_are_free(self, rig: Rig) -> None:
        """The sandbox is gone, and with it the link; nobody said so."""
        rig.host.delete_link(port_name(WEB.id))
        rig.healer.heal()

        endpoint = rig.store.endpoint(WEB.id)
        assert endpoint == replace(WEB, sandbox_key=None, attached=True)
        assert rig.kernel.ports == set()
        assert rig.held() == rig.wanted()

    def test_its_deletion_is_no_failure_then(self, rig: Rig) -> None:
        """The engine may come to it later."""
        rig.host.delete_link(port_name(WEB.id))
        rig.healer.heal()
        rig.endpoints.revoke(*IDS)
        rig.endpoints.leave(*IDS)
        rig.endpoints.delete(*IDS)

        assert rig.held() == rig.wanted()

    def test_an_endpoint_that_has_not_joined_misses_none(self, rig: Rig) -> None:
        """Between create and join."""
        other = an_endpoint(BLUE, 3)
        rig.endpoints.create(other)
        rig.healer.heal()

        assert rig.store.endpoint(other.id) == other

    def test_one_that_has_left_keeps_its_link(self, rig: Rig) -> None:
        """Between leave and delete the engine moves the far end back."""
        rig.endpoints.leave(*IDS)
        rig.healer.heal()

        assert port_name(WEB.id) in rig.host.links


class TestUnfinished:
    def test_a_pending_network_is_undone(self, rig: Rig) -> None:
        """The engine never saw success."""
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        rig.store.save_network(replace(red, state=NetworkState.PENDING))
        rig.healer.heal()

        assert rig.store.network(red.id) is None
        assert rig.held() == rig.wanted()

    def test_a_deleting_network_is_finished(self, rig: Rig) -> None:
        """The engine has forgotten it."""
        rig.store.save_network(replace(rig.store.networks()[0], state=NetworkState.DELETING))
        rig.healer.heal()

        assert rig.store.networks() == ()
        assert rig.held() == frozenset()


class TestRestart:
    def test_ports_are_held_again(self, rig: Rig) -> None:
        """They ended with the process."""
        before = rig.held()
        again = rig.restarted()

        assert again.held() == before
        assert len(again.kernel.ports) == 2

    def test_after_a_reboot_everything_is_made_but_the_containers(self, rig: Rig) -> None:
        """The engine starts those anew."""
        rig.host.links.clear()
        rig.host.sysctls["net/ipv4/ip_forward"] = "0"
        rig.firewall.remove(list(rig.firewall.read()))
        again = rig.restarted()

        assert again.held() == again.wanted() != frozenset()
        assert not again.store.endpoints(BLUE.id)[0].joined

    def test_after_a_reboot_forwarding_is_the_engines_to_switch_on(self, rig: Rig) -> None:
        """It shuts FORWARD as it does so, and only then; at the latest the first container has it."""
        rig.host.links.clear()
        rig.host.sysctls["net/ipv4/ip_forward"] = "0"
        again = rig.restarted()
        before = again.host.sysctls["net/ipv4/ip_forward"]
        again.run(BLUE, an_endpoint(BLUE, 7))

        assert before == "0"
        assert again.host.sysctls["net/ipv4/ip_forward"] == "1"


class TestFailures:
    def test_a_port_that_was_taken_meanwhile_is_said(self, rig: Rig) -> None:
        """The rest works on, and the next tick tries again."""
        port = next(iter(rig.kernel.ports))
        rig.host.listeners.add(port)
        again = rig.restarted()

        (condition,) = again.health.conditions
        assert condition.what == "networks"
        assert "port is already allocated" in condition.why
        again.host.listeners.clear()
        again.healer.heal()
        assert again.health.conditions == ()
        assert again.held() == again.wanted()

    def test_one_network_does_not_keep_another_from_healing(self, rig: Rig) -> None:
        """A foreign link took the name of one."""
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        for network in (BLUE, red):
            rig.host.delete_link(bridge_name(network.id))
        rig.host.add_foreign_link(bridge_name(BLUE.id))
        rig.healer.heal()

        (condition,) = rig.health.conditions
        assert "is not this network's" in condition.why
        assert bridge_name(red.id) in {link.ifname for link in rig.host.ours}

    def test_a_firewall_that_cannot_be_prepared_is_said(self, rig: Rig) -> None:
        """With what is lost without it."""
        rig.firewall.broken = "nft is not there"
        rig.healer.heal()
        (condition,) = rig.health.conditions
        rig.firewall.broken = None
        rig.healer.heal()

        assert condition.what == "firewall"
        assert condition.why.startswith("nft is not there; published ports, masq")
        assert rig.health.conditions == ()

    def test_one_resource_that_cannot_be_repaired_does_not_stop_the_rest(self, rig: Rig) -> None:
        """As much as possible is repaired."""
        rig.host.delete_link(bridge_name(BLUE.id))
        rig.host.sysctls["net/ipv4/ip_forward"] = "0"
        rig.faults.arm(1)  # the bridge: that FORWARD is shut comes before everything
        rig.healer.heal()

        assert rig.health.status is Status.DEGRADED
        assert rig.host.sysctls["net/ipv4/ip_forward"] == "1"
        rig.faults.arm(None)
        rig.healer.heal()
        assert rig.held() == rig.wanted()


class TestCrash:
    """The process ends at any moment; the next one repairs what it finds."""

    def scenario(self, rig: Rig) -> None:
        red = replace(a_network("red", "10.2.0.0/24"), id=NetworkID("f" * 64))
        blue = a_network("blue", "10.1.0.0/24")
        web = an_endpoint(blue)
        rig.networks.create(blue)
        rig.networks.create(red)
        rig.run(blue, web, a_binding())
        rig.run(blue, an_endpoint(blue, 3))
        rig.endpoints.revoke(blue.id, web.id)
        rig.endpoints.leave(blue.id, web.id)
        rig.endpoints.delete(blue.id, web.id)
        rig.networks.delete(red.id)

    def test_wherever_it_ends(self) -> None:
        """Host and state agree after the next start, and nothing half done is left."""
        rehearsal = Rig()
        self.scenario(rehearsal)
        points = list(rehearsal.faults.points)

        assert len(points) > 60
        for at, point in enumerate(points):
            rig = Rig()
            rig.faults.arm(at, CrashError())
            with pytest.raises(CrashError):
                self.scenario(rig)
            again = rig.restarted()

            assert {n.state for n in again.store.networks()} <= {NetworkState.ACTIVE}, point
            surplus = again.held() - again.wanted()
            assert surplus <= of_endpoints(again), (at, point, surplus)
            assert again.wanted() <= again.held(), (at, point)

    def test_the_engine_can_go_on(self) -> None:
        """Everything it asks for afterwards works, and leaves nothing."""
        rehearsal = Rig()
        self.scenario(rehearsal)
        for at, point in enumerate(list(rehearsal.faults.points)):
            rig = Rig()
            rig.faults.arm(at, CrashError())
            with pytest.raises(CrashError):
                self.scenario(rig)
            again = rig.restarted()
            self.scenario(again)
            for network in again.store.networks():
                again.networks.delete(network.id)

            assert again.held() == frozenset(), (at, point)
            assert again.store.networks() == (), (at, point)


def of_endpoints(rig: Rig) -> set[Resource]:
    """A link that was made and not yet recorded as joined, or left and not yet deleted."""
    return {
        resource
        for network in rig.store.networks()
        for endpoint in rig.store.endpoints(network.id)
        for resource in bind(network).endpoint_plan(endpoint).resources
    }


def test_the_binding_of_these_tests_is_published() -> None:
    """They would all pass without."""
    rig = Rig()
    rig.networks.create(BLUE)
    published = rig.run(BLUE, WEB, a_binding()).published

    assert published == (
        a_published_port("0.0.0.0", 8080, "10.1.0.2"),
        a_published_port("::", 8080, "fd00:1::2"),
    )
    assert rig.endpoints.get(*IDS).sandbox_key == SANDBOX


class TestDeletedEndpoint:
    @pytest.mark.parametrize("kind", ["Veth", "delete endpoint"])
    def test_what_could_not_be_removed_is_removed_by_the_tick(self, rig: Rig, kind: str) -> None:
        """dockerd ignores that a deletion failed, and never mentions the endpoint again."""
        rig.endpoints.delete(*IDS)
        point = next(i for i, name in enumerate(rig.faults.points) if kind in name)
        rig.run(BLUE, WEB, a_binding())
        rig.faults.arm(point)
        with pytest.raises((ExceptionGroup, StoreError)):
            rig.endpoints.delete(*IDS)
        rig.faults.arm(None)
        left = rig.store.endpoint(WEB.id)

        rig.healer.heal()

        assert left is not None
        assert rig.store.endpoint(WEB.id) is None
        assert rig.addresses.bound == set()
        assert rig.held() == rig.wanted()
