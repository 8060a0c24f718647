"""Endpoints: a record from create to delete, a link from join, ports while it is the gateway."""

from contextlib import suppress
from dataclasses import replace
from ipaddress import ip_address

import pytest

from plugin.drivers.registry import bind
from plugin.errors import (
    EndpointNotFoundError,
    NetworkNotFoundError,
    PortTakenError,
    RefusedError,
    UnknownOptionError,
)
from plugin.model.ids import EndpointID, MacAddress, handoff_name, port_name
from plugin.model.network import EndpointState, Protocol
from plugin.model.ports import HostPort
from plugin.model.traffic import OpenPort
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_binding, a_network, a_published_port, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
IDS = (BLUE.id, WEB.id)


@pytest.fixture
def rig() -> Rig:
    """A plugin with one network."""
    made = Rig()
    made.networks.create(BLUE)
    made.faults.arm(None)
    return made


@pytest.fixture
def alone(rig: Rig) -> frozenset[object]:
    """What the host holds for the network without any endpoint."""
    return rig.held()


class TestCreate:
    def test_it_is_remembered_and_the_host_not_touched(
        self, rig: Rig, alone: frozenset[object]
    ) -> None:
        """The engine holds a lock on the network meanwhile."""
        endpoint = rig.endpoints.create(WEB)

        assert rig.store.endpoint(WEB.id) == endpoint == WEB
        assert rig.held() == alone

    def test_a_mac_address_is_chosen_where_nobody_did(self, rig: Rig) -> None:
        """And kept."""
        endpoint = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))

        assert endpoint.mac_address
        assert rig.store.endpoint(WEB.id) == endpoint

    def test_a_mac_address_of_the_users_options(self, rig: Rig) -> None:
        """It is kept as one that the user chose otherwise."""
        wanted = replace(WEB, mac_address=MacAddress(""), options={"mac": "02:11:22:33:44:55"})
        endpoint = rig.endpoints.create(wanted)

        assert (endpoint.mac_address, endpoint.mac_chosen) == ("02:11:22:33:44:55", True)
        assert rig.store.endpoint(WEB.id) == endpoint

    def test_no_two_have_one_that_was_made(self, rig: Rig) -> None:
        """Whoever comes later gets another, whether the user chose the first or nobody did."""
        unchosen = replace(WEB, mac_address=MacAddress(""))
        theirs = bind(BLUE).mac_address(unchosen)
        rig.endpoints.create(an_endpoint(BLUE, 3, mac_address=theirs, mac_chosen=True))
        endpoint = rig.endpoints.create(unchosen)

        assert endpoint.mac_address not in ("", theirs)

    def test_one_that_was_made_is_not_chosen_for_another(self, rig: Rig) -> None:
        """While a container has it: older engines give an address its MAC address again."""
        first = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))
        same = an_endpoint(BLUE, 3, mac_address=first.mac_address, mac_chosen=True)
        rig.endpoints.join(*IDS, SANDBOX)
        with pytest.raises(RefusedError) as refusal:
            rig.endpoints.create(same)

        assert str(refusal.value) == (
            f"MAC address {first.mac_address} was generated for the container that has 10.1.0.2 "
            "and fd00:1::2 now; leave out the MAC address, or choose one that was not generated"
        )
        assert rig.store.endpoint(same.id) is None
        rig.endpoints.leave(*IDS)
        assert rig.endpoints.create(same).mac_address == first.mac_address

    def test_two_that_were_chosen_are_the_users(self, rig: Rig) -> None:
        """As with Docker's own bridge."""
        rig.endpoints.create(replace(WEB, mac_chosen=True))
        rig.endpoints.join(*IDS, SANDBOX)
        same = an_endpoint(BLUE, 3, mac_address=WEB.mac_address, mac_chosen=True)

        assert rig.endpoints.create(same).mac_address == WEB.mac_address

    def test_a_repeated_call_is_answered_as_before(self, rig: Rig) -> None:
        """With the same MAC address, even if it was joined meanwhile."""
        first = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))
        rig.endpoints.join(*IDS, SANDBOX)
        again = rig.endpoints.create(replace(WEB, mac_address=MacAddress("")))

        assert again.mac_address == first.mac_address
        assert again.joined

    def test_its_addresses_are_bound(self, rig: Rig) -> None:
        """The address side is told, of both families."""
        rig.endpoints.create(WEB)

        assert rig.addresses.bound == {"10.1.0.2 of 10.1.0.0/24", "fd00:1::2 of fd00:1::/64"}

    def test_an_unknown_network_is_refused(self, rig: Rig) -> None:
        """With what to do about it."""
        with pytest.raises(NetworkNotFoundError, match="remove and create it again"):
            rig.endpoints.create(an_endpoint(a_network("red")))

    def test_an_unknown_option_is_refused(self, rig: Rig) -> None:
        """And nothing remembered."""
        with pytest.raises(UnknownOptionError):
            rig.endpoints.create(replace(WEB, options={"foo": "bar"}))

        assert rig.store.endpoint(WEB.id) is None

    @pytest.mark.parametrize("family", ["ipv4", "ipv6"])
    def test_whoever_had_the_address_before_is_collected(
        self, rig: Rig, alone: frozenset[object], family: str
    ) -> None:
        """An engine that was killed never says so."""
        rig.run(BLUE, WEB, a_binding())
        heir = replace(an_endpoint(BLUE, 9, "heir"), **{family: getattr(WEB, family)})
        rig.endpoints.create(heir)

        assert rig.store.endpoints(BLUE.id) == (heir,)
        assert rig.held() == alone

    def test_a_neighbour_is_not_collected(self, rig: Rig) -> None:
        """Another address is another container."""
        rig.run(BLUE, WEB)
        rig.endpoints.create(an_endpoint(BLUE, 3))

        assert len(rig.store.endpoints(BLUE.id)) == 2

    def test_an_address_of_another_network_is_another_address(self, rig: Rig) -> None:
        """Networks of other tenants may use the same."""
        rig.run(BLUE, WEB)
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        rig.endpoints.create(replace(an_endpoint(red), ipv4=WEB.ipv4))

        assert rig.store.endpoint(WEB.id) is not None


class TestGet:
    def test_it_must_be_there(self, rig: Rig) -> None:
        """And be of that network."""
        rig.endpoints.create(WEB)

        assert rig.endpoints.get(*IDS) == WEB
        for ids in ((a_network("red").id, WEB.id), (BLUE.id, EndpointID("x"))):
            with pytest.raises(EndpointNotFoundError, match="disconnect the container and connect"):
                rig.endpoints.get(*ids)

    def test_a_repeated_call_binds_what_was_not_bound_yet(self, rig: Rig) -> None:
        """The process may have died in between; unbound, an address is given to another."""
        rig.endpoints.create(WEB)
        rig.addresses.bound.clear()
        rig.endpoints.create(WEB)

        assert rig.addresses.bound == {"10.1.0.2 of 10.1.0.0/24", "fd00:1::2 of fd00:1::/64"}


class TestJoin:
    def test_the_link_is_there_for_the_engine(self, rig: Rig) -> None:
        """And the sandbox is remembered."""
        rig.endpoints.create(WEB)
        attachment = rig.endpoints.join(*IDS, SANDBOX)

        assert attachment.src_name == handoff_name(WEB.id)
        assert handoff_name(WEB.id) in rig.host.links
        assert rig.endpoints.get(*IDS).sandbox_key == SANDBOX
        assert rig.held() == rig.wanted()

    def test_a_repeated_call_is_answered_as_before(self, rig: Rig) -> None:
        """Nothing is touched: the far end may be in the sandbox already."""
        rig.endpoints.create(WEB)
        first = rig.endpoints.join(*IDS, SANDBOX)
        rig.faults.arm(None)
        again = rig.endpoints.join(*IDS, SANDBOX)

        assert again == first
        assert rig.faults.points == []

    def test_unknown_endpoints_are_refused(self, rig: Rig) -> None:
        """There is nothing to hand over."""
        with pytest.raises(EndpointNotFoundError):
            rig.endpoints.join(*IDS, SANDBOX)

    @pytest.mark.parametrize("at", [0, 1, 2], ids=["before Veth", "after Veth", "save"])
    def test_whatever_fails_it_can_be_tried_again(
        self, rig: Rig, at: int, alone: frozenset[object]
    ) -> None:
        """And it does not count as joined meanwhile."""
        rig.endpoints.create(WEB)
        rig.faults.arm(at)
        with pytest.raises(Exception, match=r"refused|half made|disk is full"):
            rig.endpoints.join(*IDS, SANDBOX)
        rig.faults.arm(None)

        assert not rig.endpoints.get(*IDS).joined
        if at < 2:
            assert rig.held() == alone
        rig.endpoints.join(*IDS, SANDBOX)
        assert rig.held() == rig.wanted()


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
        """``-p 0.0.0.0::80 -p [::]::80``: whoever looks up a name finds both."""
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
        with pytest.raises(PortTakenError, match=r"^Bind for 0\.0\.0\.0:8081 failed: port is alre"):
            rig.endpoints.program(*IDS, [a_binding(80, 8080), a_binding(81, 8081)])

        assert rig.kernel.ports == set()
        assert rig.held() == before
        assert rig.endpoints.get(*IDS).published == ()

    def test_a_port_that_a_record_still_claims_is_nobody_elses(self, rig: Rig) -> None:
        """Whoever finishes the failed removal later would take it from its next owner."""
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
        with pytest.raises(PortTakenError):
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


class TestLeave:
    def test_the_ports_are_free_even_if_they_were_never_revoked(self, rig: Rig) -> None:
        """Engine 29 forgets to, after a live restore."""
        rig.run(BLUE, WEB, a_binding())
        rig.endpoints.leave(*IDS)

        assert rig.kernel.ports == set()
        assert not rig.endpoints.get(*IDS).joined

    def test_the_link_stays(self, rig: Rig) -> None:
        """It is inside; the engine hands it back after the answer."""
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)

        assert port_name(WEB.id) in rig.host.links
        assert handoff_name(WEB.id) in rig.host.sandboxed

    def test_it_can_join_again(self, rig: Rig) -> None:
        """Another sandbox."""
        rig.run(BLUE, WEB)
        rig.endpoints.leave(*IDS)
        rig.endpoints.join(*IDS, SANDBOX + "0")

        assert rig.held() == rig.wanted()

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """Of an endpoint, a network, or both."""
        rig.endpoints.leave(*IDS)
        rig.endpoints.leave(a_network("red").id, WEB.id)
        rig.endpoints.create(WEB)
        rig.endpoints.leave(a_network("red").id, WEB.id)

        assert rig.store.endpoint(WEB.id) == WEB

    @pytest.mark.parametrize("joined", [True, False])
    def test_one_that_is_being_deleted(self, rig: Rig, joined: bool) -> None:
        """The calls overtake each other; it stays what it is."""
        rig.endpoints.create(WEB)
        if joined:
            rig.endpoints.join(*IDS, SANDBOX)
        rig.store.mark_endpoint_deleting(WEB.id)
        rig.endpoints.leave(*IDS)

        (left,) = rig.store.endpoints(BLUE.id)
        assert left.state is EndpointState.DELETING


class TestDelete:
    @pytest.mark.parametrize("said", ["all", "no revoke", "delete alone"])
    def test_nothing_is_left_whatever_was_said_before(
        self, rig: Rig, alone: frozenset[object], said: str
    ) -> None:
        """The deletion may be all that the engine says."""
        rig.run(BLUE, WEB, a_binding())
        if said == "all":
            rig.endpoints.revoke(*IDS)
        if said != "delete alone":
            rig.endpoints.leave(*IDS)
        rig.endpoints.delete(*IDS)

        assert rig.held() == alone
        assert rig.store.endpoints(BLUE.id) == ()
        assert rig.addresses.bound == set()

    def test_an_endpoint_that_never_joined(self, rig: Rig, alone: frozenset[object]) -> None:
        """The container could not be started."""
        rig.endpoints.create(WEB)
        rig.endpoints.delete(*IDS)

        assert rig.held() == alone
        assert rig.addresses.bound == set()

    def test_unknown_ids_are_no_failure(self, rig: Rig) -> None:
        """Nor is another network's."""
        rig.endpoints.delete(*IDS)
        rig.endpoints.create(WEB)
        rig.endpoints.delete(a_network("red").id, WEB.id)
        assert rig.store.endpoint(WEB.id) == WEB

        rig.endpoints.delete(*IDS)
        rig.endpoints.delete(*IDS)
        assert rig.store.endpoint(WEB.id) is None

    def test_whatever_fails_a_second_call_finishes_it(self, alone: frozenset[object]) -> None:
        """What could not be removed is still known."""
        rehearsal = Rig()
        rehearsal.networks.create(BLUE)
        rehearsal.run(BLUE, WEB, a_binding())
        rehearsal.faults.arm(None)
        rehearsal.endpoints.delete(*IDS)

        assert "remove Veth" in rehearsal.faults.points
        for at, point in enumerate(list(rehearsal.faults.points)):
            rig = Rig()
            rig.networks.create(BLUE)
            rig.run(BLUE, WEB, a_binding())
            rig.faults.arm(at)
            with pytest.raises((ExceptionGroup, Exception)):
                rig.endpoints.delete(*IDS)
            assert rig.store.endpoint(WEB.id) is not None, point
            rig.faults.arm(None)
            rig.endpoints.delete(*IDS)

            assert rig.held() == alone, point
