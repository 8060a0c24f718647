"""The rest of what a kernel is asked for: bounds, detours, carried ports, bridges of others."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import ForeignLinkError, KernelError
from plugin.model.addresses import Address
from plugin.model.ids import IfName
from plugin.model.network import Protocol
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import HostResource, Resource
from plugin.model.shaping import IngressRedirect, RateLimit
from tests.contract.hosts import Host, make
from tests.contract.test_kernel import ADDRESS4, BRIDGE, VETH

DETOUR = IngressRedirect(ifname=IfName("pni-1"), source=VETH.ifname, owner=VETH.owner)
LIMIT_TO = RateLimit(ifname=VETH.ifname, rate=10_000_000)
LIMIT_FROM = RateLimit(ifname=DETOUR.ifname, rate=20_000_000)
LINKS: list[HostResource] = [BRIDGE, VETH]
BOUNDS: list[HostResource] = [LIMIT_TO, DETOUR, LIMIT_FROM]
HELD = HostPort(protocol=Protocol.TCP, address=ip_address("::"), port=8080)
CARRIED = ProxiedPort(held=HELD, address=ip_address("10.1.0.2"), port=80)
ADOPTED = replace(BRIDGE, adoptable=True)


class TestBounds:
    def test_what_was_made_is_read_as_it_was_asked_for(self, host: Host) -> None:
        """A rate is not rounded on its way through the kernel."""
        make(host, *LINKS, *BOUNDS)

        assert host.kernel.read(BOUNDS) == frozenset(BOUNDS)

    @pytest.mark.parametrize("rate", [8_000, 64_000, 1_500_000_000, 32 * 10**9])
    def test_every_rate_that_a_user_may_ask_for(self, host: Host, rate: int) -> None:
        """The least and the most among them."""
        limit = replace(LIMIT_TO, rate=rate)
        make(host, *LINKS, limit)

        assert host.kernel.read([limit]) == {limit}

    def test_another_rate_takes_the_place_of_the_first(self, host: Host) -> None:
        """On the link as it is, with packets in flight."""
        make(host, *LINKS, LIMIT_TO)
        other = replace(LIMIT_TO, rate=64_000)
        seen = host.kernel.read([other])
        make(host, other)

        assert seen == {LIMIT_TO}
        assert host.kernel.read([other]) == {other}

    def test_doing_it_again_changes_nothing(self, host: Host) -> None:
        """Every act may be repeated."""
        make(host, *LINKS, *BOUNDS)
        make(host, *LINKS, *BOUNDS)

        assert host.kernel.read(BOUNDS) == frozenset(BOUNDS)

    def test_a_link_without_a_bound_has_none(self, host: Host) -> None:
        """Whatever queue the kernel gave it."""
        make(host, *LINKS)

        assert host.kernel.read([LIMIT_TO]) == frozenset()

    def test_without_the_link_it_is_an_error_of_the_host(self, host: Host) -> None:
        """The message names it."""
        for resource in (LIMIT_TO, DETOUR):
            with pytest.raises(KernelError, match=f"{VETH.ifname} is not there"):
                make(host, resource)

    def test_a_detour_is_found_by_its_mark_and_goes(self, host: Host) -> None:
        """The plugin before us made it; a sweep hands back what it read."""
        make(host, *LINKS, *BOUNDS)
        host.restart()
        (found,) = [each for each in host.kernel.read_all() if isinstance(each, IngressRedirect)]
        host.kernel.remove([found])
        host.settle()

        assert (found.ifname, found.owner) == (DETOUR.ifname, DETOUR.owner)
        assert host.kernel.missing_links([DETOUR.ifname]) == {DETOUR.ifname}
        assert host.kernel.read([VETH]) == {VETH}

    def test_its_name_can_be_used_again_at_once(self, host: Host) -> None:
        """It is removed, and wanted again before the kernel has deleted it."""
        make(host, *LINKS, DETOUR)
        host.kernel.remove([DETOUR])
        make(host, DETOUR)
        host.settle()

        assert host.kernel.read([DETOUR]) == {DETOUR}

    def test_a_foreign_link_is_not_taken_for_a_detour(self, host: Host) -> None:
        """By its name."""
        make(host, *LINKS)
        host.add_foreign_link(DETOUR.ifname)
        with pytest.raises(ForeignLinkError, match=f"{DETOUR.ifname} exists and is not"):
            make(host, DETOUR)
        host.kernel.remove([DETOUR])
        host.settle()

        assert not host.kernel.missing_links([DETOUR.ifname])

    def test_everything_goes_in_order(self, host: Host) -> None:
        """The order in which a plan is removed."""
        make(host, *LINKS, *BOUNDS)
        host.kernel.remove([*BOUNDS[::-1], *LINKS[::-1]])
        host.settle()

        assert host.kernel.read([*LINKS, *BOUNDS]) == frozenset()
        assert host.kernel.read_all() == frozenset()


class TestProxiedPorts:
    def test_what_was_made_is_read(self, host: Host) -> None:
        """Held and carried are two things."""
        make(host, HELD)
        before = host.kernel.read([HELD, CARRIED])
        make(host, CARRIED)

        assert before == {HELD}
        assert host.kernel.read([HELD, CARRIED]) == {HELD, CARRIED}

    def test_doing_it_again_changes_nothing(self, host: Host) -> None:
        """Every act may be repeated."""
        make(host, HELD, CARRIED)
        make(host, HELD, CARRIED)

        assert host.kernel.read([HELD, CARRIED]) == {HELD, CARRIED}

    def test_a_port_that_is_not_held_cannot_be_carried(self, host: Host) -> None:
        """The number is said."""
        with pytest.raises(KernelError, match=r"8080 is not held"):
            make(host, CARRIED)

    def test_it_ends_with_its_process(self, host: Host) -> None:
        """And the next one can carry it anew."""
        make(host, HELD, CARRIED)
        host.restart()
        seen = host.kernel.read([HELD, CARRIED])
        make(host, HELD, CARRIED)

        assert seen == frozenset()
        assert host.kernel.read([CARRIED]) == {CARRIED}

    def test_one_of_several_goes(self, host: Host) -> None:
        """The rest is carried on."""
        other = replace(HELD, port=8081)
        stays = replace(CARRIED, held=other)
        make(host, HELD, CARRIED, other, stays)
        host.kernel.remove([CARRIED, HELD])

        assert host.kernel.read([HELD, CARRIED, other, stays]) == {other, stays}

    def test_what_is_not_carried_is_passed_over(self, host: Host) -> None:
        """A repeated deletion is no failure."""
        host.kernel.remove([CARRIED, HELD])

        assert host.kernel.read([CARRIED]) == frozenset()

    def test_the_port_is_free_afterwards(self, host: Host) -> None:
        """No copy of its socket stays with the process."""
        make(host, HELD, CARRIED)
        host.kernel.remove([CARRIED, HELD])
        host.eventually_free(HELD)

        host.listen(Protocol.TCP, "::", 8080)


class TestAdoptedBridges:
    """``-o bridge_name=br0`` for a br0 that the user made."""

    def test_it_is_used_as_it_is(self, host: Host) -> None:
        """pynet sets neither its address nor its MTU."""
        host.add_foreign_link(ADOPTED.ifname, "bridge")
        started = make(host, ADOPTED, ADDRESS4, VETH)

        assert started == [ADOPTED, ADDRESS4, VETH]
        assert host.kernel.read([ADOPTED, ADDRESS4, VETH]) == {ADOPTED, ADDRESS4, VETH}
        assert {each.ifname for each in host.kernel.read_all()} == {VETH.ifname}

    def test_it_is_left_when_the_network_goes(self, host: Host) -> None:
        """With what it had; what we put there goes."""
        host.add_foreign_link(ADOPTED.ifname, "bridge")
        theirs = Address(ifname=ADOPTED.ifname, interface=ip_interface("10.8.0.1/24"))
        host.add_foreign_address(theirs.ifname, str(theirs.interface))
        make(host, ADOPTED, ADDRESS4, VETH)
        host.kernel.remove([VETH, ADDRESS4, ADOPTED])
        host.settle()

        assert host.kernel.read([ADOPTED, theirs, ADDRESS4, VETH]) == {ADOPTED, theirs}

    def test_an_address_that_it_had_stays(self, host: Host) -> None:
        """Even if a network wanted the same."""
        host.add_foreign_link(ADOPTED.ifname, "bridge")
        host.add_foreign_address(ADDRESS4.ifname, str(ADDRESS4.interface))
        make(host, ADOPTED, ADDRESS4)
        host.kernel.remove([ADDRESS4, ADOPTED])

        assert host.kernel.read([ADDRESS4]) == {ADDRESS4}

    def test_a_link_of_another_kind_is_refused(self, host: Host) -> None:
        """An uplink, most likely."""
        host.add_foreign_link(ADOPTED.ifname, "ifb")
        with pytest.raises(ForeignLinkError, match="exists and is not this network's"):
            make(host, ADOPTED)
        host.kernel.remove([ADOPTED])
        host.settle()

        assert not host.kernel.missing_links([ADOPTED.ifname])

    def test_a_bridge_of_another_network_is_refused(self, host: Host) -> None:
        """Two networks on one bridge would not be isolated."""
        make(host, ADOPTED)
        with pytest.raises(ForeignLinkError):
            make(host, replace(ADOPTED, owner="n2"))

        assert host.kernel.read([ADOPTED]) == {ADOPTED}

    def test_one_that_is_not_there_is_made_and_deleted(self, host: Host) -> None:
        """As any other."""
        make(host, ADOPTED)
        marked = host.kernel.read_all()
        host.kernel.remove([ADOPTED])
        host.settle()

        assert {each.owner for each in marked} == {ADOPTED.owner}
        assert host.kernel.missing_links([ADOPTED.ifname])

    def test_one_that_was_not_asked_for_by_name_is_refused(self, host: Host) -> None:
        """The user did not choose a name that pynet derives."""
        host.add_foreign_link(BRIDGE.ifname, "bridge")

        with pytest.raises(ForeignLinkError):
            make(host, BRIDGE)


def test_forgetting_connections_changes_nothing_else(host: Host) -> None:
    """Ports of protocols that end by themselves are passed over."""
    resources: list[Resource] = [HELD]
    make(host, HELD)
    host.kernel.forget_connections(
        [HELD, replace(HELD, protocol=Protocol.UDP), replace(HELD, address=ip_address("0.0.0.0"))]
    )

    assert host.kernel.read([HELD]) == set(resources)
