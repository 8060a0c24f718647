"""Any life of a host: calls in an engine's order, failures, crashes, reboots and other programs' changes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from plugin.drivers.registry import bind
from plugin.errors import PortTakenError
from plugin.model.ids import EndpointID, MacAddress, bridge_name
from plugin.model.links import Bridge
from plugin.model.network import Endpoint, Network, NetworkState
from tests.fakes.faults import CrashError
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, an_endpoint
from tests.property.effort import effort

SUBNETS = [
    ("10.1.0.0/24", "fd00:1::/64"),
    ("10.2.0.0/24",),
    ("fd00:3::/64",),
    ("10.4.0.0/24",),
    ("10.5.0.0/24",),
]
UPLINK: Final = "eth0"
# The last two are on one VLAN, which goes with the last of them.
TAGGED: Final = {"mode": "macvlan", "parent": f"{UPLINK}.100"}


FAULTS: Final = {"fault": st.none() | st.integers(0, 12), "crash": st.booleans()}


class Lives(RuleBasedStateMachine):
    """The engine as it should be, and the plugin as it is."""

    networks = Bundle("networks")
    endpoints = Bundle("endpoints")

    @initialize()
    def start(self) -> None:
        self.rig = Rig()
        self.rig.host.add_parent(UPLINK)
        self.count = 0
        self.troubled = False  # something failed, and no tick has come since

    def attempt(self, act: Callable[[], object], fault: int | None, *, crash: bool) -> bool:
        """One call of the engine, which may fail half way, or be the process's last."""
        self.rig.faults.arm(fault, CrashError() if crash else None)
        try:
            act()
        except CrashError:
            self.rig = self.rig.restarted()
            return False
        except PortTakenError:
            return False
        except Exception:  # noqa: BLE001 - whatever it was, a fault was asked for
            assert fault is not None
            self.troubled = True
            return False
        finally:
            self.rig.faults.arm(None)
        return True

    @rule(target=networks, number=st.sampled_from(range(5)), internal=st.booleans(), **FAULTS)
    def create_network(
        self, number: int, internal: bool, fault: int | None, crash: bool
    ) -> Network:
        network = a_network(f"net{number}", *SUBNETS[number], internal=internal)
        if number >= 3:
            network = replace(network, mode="macvlan", options=TAGGED)
        known = self.rig.store.network(network.id)
        network = replace(known, state=NetworkState.PENDING) if known else network
        self.attempt(lambda: self.rig.networks.create(network), fault, crash=crash)
        return network

    @rule(network=networks, **FAULTS)
    def delete_network(self, network: Network, fault: int | None, crash: bool) -> None:
        self.attempt(lambda: self.rig.networks.delete(network.id), fault, crash=crash)

    @rule(target=endpoints, network=networks, number=st.integers(2, 5), **FAULTS)
    def run(self, network: Network, number: int, fault: int | None, crash: bool) -> Endpoint:
        """``docker run -p``: and what the engine does when it fails."""
        self.count += 1
        fresh = an_endpoint(network, number, f"{self.count}")
        endpoint = replace(fresh, mac_address=MacAddress(""))
        known = self.rig.store.network(network.id)
        if known is None or known.state is not NetworkState.ACTIVE:
            return endpoint
        # Mode macvlan without host_access publishes nothing.
        bindings = [a_binding(80, 8000 + number), a_binding(81, 0)]
        if network.mode == "macvlan":
            bindings = []

        def start() -> None:
            self.rig.run(network, endpoint, *bindings)

        if not self.attempt(start, fault, crash=crash):
            self.rig.endpoints.leave(network.id, endpoint.id)
            self.rig.endpoints.delete(network.id, endpoint.id)
        return endpoint

    @rule(endpoint=consumes(endpoints), **FAULTS)
    def stop(self, endpoint: Endpoint, fault: int | None, crash: bool) -> None:
        ids = (endpoint.network_id, EndpointID(endpoint.id))

        def end() -> None:
            self.rig.endpoints.revoke(*ids)
            self.rig.endpoints.leave(*ids)
            self.rig.endpoints.delete(*ids)

        self.attempt(end, fault, crash=crash)

    @rule(endpoint=endpoints)
    def move_gateway(self, endpoint: Endpoint) -> None:
        self.rig.endpoints.revoke(endpoint.network_id, endpoint.id)

    @rule(endpoint=endpoints)
    def join_again(self, endpoint: Endpoint) -> None:
        if self.rig.store.endpoint(endpoint.id) is not None and not self.troubled:
            self.rig.endpoints.join(endpoint.network_id, endpoint.id, SANDBOX)

    @rule()
    def restart(self) -> None:
        self.rig = self.rig.restarted()
        self.troubled = False

    @rule()
    def reboot(self) -> None:
        self.rig.host.links.clear()
        self.rig.host.add_parent(UPLINK)
        self.rig.firewall.remove(list(self.rig.firewall.read()))
        self.rig = self.rig.restarted()
        self.troubled = False

    @rule(data=st.data())
    def harm(self, data: st.DataObject) -> None:
        """Another program deletes a link, or an element."""
        links = sorted(link.ifname for link in self.rig.host.ours)
        elements = sorted(self.rig.firewall.read(), key=repr)
        if links:
            self.rig.host.delete_link(data.draw(st.sampled_from(links)))
        if elements:
            self.rig.firewall.remove([data.draw(st.sampled_from(elements))])
        self.rig.healer.heal()
        self.troubled = False

    @rule()
    def tick(self) -> None:
        self.rig.healer.heal()
        self.troubled = False
        assert {n.state for n in self.rig.store.networks()} <= {NetworkState.ACTIVE}
        assert self.rig.health.conditions == ()

    @invariant()
    @precondition(lambda self: not self.troubled)
    def host_holds_what_the_state_says(self) -> None:
        """And besides only what endpoints that have left and are not deleted yet had in common."""
        wanted, held = self.rig.wanted(), self.rig.held()
        left = {
            resource
            for network in self.rig.store.networks()
            for endpoint in self.rig.store.endpoints(network.id)
            for resource in bind(network).endpoint_plan(endpoint).resources
        }
        assert wanted <= held
        assert held - wanted <= left

    @invariant()
    def nothing_is_published_twice(self) -> None:
        ports = [
            (port.protocol, port.host_ip, port.host_port)
            for network in self.rig.store.networks()
            for endpoint in self.rig.store.endpoints(network.id)
            for port in endpoint.published
        ]
        assert len(ports) == len(set(ports))

    def teardown(self) -> None:
        self.rig.healer.heal()
        for network in self.rig.store.networks():
            self.rig.networks.delete(network.id)

        assert self.rig.held() == frozenset()


TestLives = Lives.TestCase
TestLives.settings = effort(300, steps=30)


def test_a_bridge_is_what_a_reboot_takes() -> None:
    """The machine would be content with a host that never held anything."""
    rig = Rig()
    rig.networks.create(a_network("net1", *SUBNETS[1]))

    assert {link.ifname for link in rig.host.ours if isinstance(link, Bridge)} == {
        bridge_name(a_network("net1").id)
    }
