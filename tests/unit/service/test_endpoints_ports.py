"""Ports of endpoints: published while the endpoint is its sandbox's gateway, and free until then."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.errors import EndpointNotFoundError, PortTakenError
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from plugin.model.traffic import OpenPort
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, a_published_port, an_endpoint
from tests.unit.service.test_endpoints import BLUE, IDS, WEB


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """A plugin with one network."""
    rig.networks.create(BLUE)
    rig.faults.arm(None)
    return rig


class TestRouted:
    """Ports of a routed network are the container's own, whichever network is its gateway."""

    RED = a_network("red", "10.2.0.0/24", "fd00:2::/64", options={"gateway_mode_ipv4": "routed"})
    ONE = an_endpoint(RED, 2, "one")
    OPEN = OpenPort(protocol=Protocol.TCP, address=ip_address("10.2.0.2"), port=80)

    @pytest.fixture
    def joined(self, rig: Rig) -> Rig:
        rig.networks.create(self.RED)
        rig.endpoints.create(self.ONE)
        rig.endpoints.join(self.RED.id, self.ONE.id, SANDBOX, [a_binding()])
        return rig

    def test_they_are_open_with_the_join(self, joined: Rig) -> None:
        """And nothing of the host is held, though the other family is translated."""
        assert self.OPEN in joined.held()
        assert joined.kernel.ports == set()
        assert joined.held() == joined.wanted()

    def test_the_rest_is_published_when_it_is_the_gateway(self, joined: Rig) -> None:
        """Until it is no more; the container's own ports stay open."""
        ids = (self.RED.id, self.ONE.id)
        joined.endpoints.program(*ids, [a_binding()])
        held = len(joined.kernel.ports)
        joined.endpoints.revoke(*ids)

        assert (held, len(joined.kernel.ports)) == (1, 0)
        assert self.OPEN in joined.held()
        assert joined.held() == joined.wanted()

    def test_they_are_shut_when_it_leaves(self, joined: Rig) -> None:
        """Also if it was never the gateway."""
        joined.endpoints.leave(self.RED.id, self.ONE.id)

        assert self.OPEN not in joined.held()
        assert joined.store.endpoints(self.RED.id)[0].published == ()

    def test_what_the_network_cannot_publish_keeps_nobody_out(self, rig: Rig) -> None:
        """Another network of the container's may be the gateway."""
        rig.networks.create(self.RED)
        rig.endpoints.create(replace(self.ONE, ipv4=None))
        rig.endpoints.join(self.RED.id, self.ONE.id, SANDBOX, [a_binding(host_ip="127.0.0.1")])

        assert rig.held() == rig.wanted()


class TestProgram:
    def publish(self, rig: Rig, *bindings: object) -> None:
        rig.endpoints.create(WEB)
        rig.endpoints.join(*IDS, SANDBOX)
        rig.faults.arm(None)
        rig.endpoints.program(*IDS, bindings)  # type: ignore[arg-type]

    def test_ports_are_held_and_led_to_the_container(self, rig: Rig) -> None:
        """On both families."""
        self.publish(rig, a_binding())

        assert rig.endpoints.get(*IDS).published == (
            a_published_port("0.0.0.0", 8080, "10.1.0.2"),
            a_published_port("::", 8080, "fd00:1::2"),
        )
        assert rig.held() == rig.wanted()
        assert len(rig.kernel.ports) == 2

    def test_nothing_to_publish_is_nothing_to_do(self, rig: Rig) -> None:
        """As for most containers."""
        self.publish(rig)

        assert rig.faults.points == []
        assert rig.endpoints.get(*IDS).published == ()

    def test_a_call_that_fails_leaves_no_trace(self, rig: Rig) -> None:
        """The endpoint may be asked to publish again, and then does."""
        self.publish(rig)
        before = rig.endpoints.get(*IDS)
        held = rig.held()
        rig.faults.arm(None)
        rig.endpoints.program(*IDS, [a_binding()])
        points = len(rig.faults.points)
        rig.endpoints.revoke(*IDS)
        for point in range(points):
            rig.faults.arm(point)
            with suppress(Exception):
                rig.endpoints.program(*IDS, [a_binding()])
            rig.faults.arm(None)
            found = rig.endpoints.get(*IDS)
            if not found.published:
                assert found == before
                assert rig.held() == held
            rig.endpoints.revoke(*IDS)

    def test_a_repeated_call_changes_nothing(self, rig: Rig) -> None:
        """An ephemeral port stays the same."""
        self.publish(rig, a_binding(host_port=0))
        first = rig.endpoints.get(*IDS)
        rig.endpoints.program(*IDS, [a_binding(host_port=0)])

        assert rig.endpoints.get(*IDS) == first
        assert len(rig.kernel.ports) == 2

    @pytest.mark.parametrize(
        "ports", [{"host_port": 0}, {"host_port": 9000, "host_port_end": 9002}]
    )
    def test_bindings_of_two_addresses_get_one_number(
        self, rig: Rig, ports: dict[str, int]
    ) -> None:
        """``-p 0.0.0.0::80 -p [::]::80``: a client that looks up a name finds both."""
        families = [a_binding(host_ip=each, **ports) for each in ("0.0.0.0", "::")]
        self.publish(rig, *families)

        published = rig.store.endpoint(WEB.id).published
        assert [str(each.host_ip) for each in published] == ["0.0.0.0", "::"]
        assert len({each.host_port for each in published}) == 1

    def test_bindings_of_one_address_get_a_number_each(self, rig: Rig) -> None:
        """``-p 127.0.0.1::80`` beside any address."""
        self.publish(rig, a_binding(host_port=0), a_binding(host_port=0, host_ip="127.0.0.1"))

        one, _, other = rig.store.endpoint(WEB.id).published
        assert one.host_port != other.host_port

    def test_one_of_a_range(self, rig: Rig) -> None:
        """The first that is free."""
        rig.host.listeners.add(
            HostPort(protocol=Protocol.TCP, address=a_published_port().host_ip, port=9000)
        )
        self.publish(rig, a_binding(80, 9000, host_port_end=9002))

        assert {port.host_port for port in rig.endpoints.get(*IDS).published} == {9001}

    def test_a_range_for_a_range(self, rig: Rig) -> None:
        """``-p 9000-9001:80-81``: the engine asks for each port of it by itself."""
        self.publish(rig, a_binding(80, 9000), a_binding(81, 9001))

        found = {(p.container_port, p.host_port) for p in rig.endpoints.get(*IDS).published}
        assert found == {(80, 9000), (81, 9001)}

    def test_a_taken_port_is_refused_and_nothing_of_it_stays(self, rig: Rig) -> None:
        """In the engine's words; the ports before it are let go."""
        taken = HostPort(protocol=Protocol.TCP, address=a_published_port().host_ip, port=8081)
        rig.host.listeners.add(taken)
        rig.endpoints.create(WEB)
        rig.endpoints.join(*IDS, SANDBOX)
        before = rig.held()
        with pytest.raises(
            PortTakenError,
            match=r"^Bind for 0\.0\.0\.0:8081 failed: port is alre.*ss -tulnp sport = :8081",
        ):
            rig.endpoints.program(*IDS, [a_binding(80, 8080), a_binding(81, 8081)])

        assert rig.kernel.ports == set()
        assert rig.held() == before
        assert rig.endpoints.get(*IDS).published == ()

    def test_a_port_that_a_record_still_claims_is_nobody_elses(self, rig: Rig) -> None:
        """Else the failed removal, finished later, would take the port from its next owner."""
        self.publish(rig, a_binding())
        rig.faults.arm(0)
        with pytest.raises(ExceptionGroup):
            rig.endpoints.revoke(*IDS)
        rig.faults.arm(None)

        assert {port.host_port for port in rig.endpoints.get(*IDS).published} == {8080}
        assert {port.port for port in rig.kernel.ports} == {8080}
        rig.endpoints.revoke(*IDS)
        assert rig.kernel.ports == set()

    def test_two_containers_cannot_have_one_port(self, rig: Rig) -> None:
        """The first keeps it."""
        self.publish(rig, a_binding())
        other = an_endpoint(BLUE, 3)
        rig.endpoints.create(other)
        rig.endpoints.join(BLUE.id, other.id, SANDBOX)
        with pytest.raises(
            PortTakenError, match=f"pynet publishes it for .*:80 .endpoint {WEB.id[:12]}"
        ):
            rig.endpoints.program(BLUE.id, other.id, [a_binding()])

        assert rig.held() == rig.wanted()

    def test_an_internal_network_publishes_nothing(self, rig: Rig) -> None:
        """Engine 29 may ask for it all the same."""
        red = a_network("red", "10.2.0.0/24", internal=True)
        rig.networks.create(red)
        rig.run(red, an_endpoint(red), a_binding())

        assert rig.kernel.ports == set()

    def test_unknown_endpoints_are_refused(self, rig: Rig) -> None:
        """There is nothing to lead to."""
        with pytest.raises(EndpointNotFoundError):
            rig.endpoints.program(*IDS, [a_binding()])

    def test_whatever_fails_no_port_is_held(self, alone: frozenset[object]) -> None:
        """The engine does not ask for a withdrawal: it says Leave and DeleteEndpoint."""
        rehearsal = Rig()
        rehearsal.networks.create(BLUE)
        self.publish(rehearsal, a_binding())
        points = list(rehearsal.faults.points)

        assert "before Hairpin" in points
        assert "ensure elements" in points
        for at, point in enumerate(points):
            rig = Rig()
            rig.networks.create(BLUE)
            rig.endpoints.create(WEB)
            rig.endpoints.join(*IDS, SANDBOX)
            before = rig.held()
            rig.faults.arm(at)
            with pytest.raises(Exception, match=r"refused|half made|disk is full|no socket"):
                rig.endpoints.program(*IDS, [a_binding()])
            rig.faults.arm(None)

            assert rig.held() == before, point
            assert rig.endpoints.get(*IDS).published == (), point
            rig.endpoints.leave(*IDS)
            rig.endpoints.delete(*IDS)
            assert rig.held() == alone, point


class TestRevoke:
    def test_the_ports_are_free_and_the_link_stays(self, rig: Rig) -> None:
        """Another network has become the gateway."""
        rig.run(BLUE, WEB, a_binding())
        rig.endpoints.revoke(*IDS)

        assert rig.kernel.ports == set()
        assert rig.endpoints.get(*IDS).joined
        assert rig.held() == rig.wanted()

    def test_they_can_be_published_again(self, rig: Rig) -> None:
        """It is the gateway once more."""
        rig.run(BLUE, WEB, a_binding())
        rig.endpoints.revoke(*IDS)
        rig.endpoints.program(*IDS, [a_binding()])

        assert len(rig.kernel.ports) == 2
        assert rig.held() == rig.wanted()

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """And a second time is none either."""
        rig.endpoints.revoke(*IDS)
        rig.run(BLUE, WEB)
        rig.endpoints.revoke(*IDS)

        assert rig.held() == rig.wanted()
