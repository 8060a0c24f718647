"""Both kernels on the host's own links among containers, and its ways to them."""

from dataclasses import replace
from ipaddress import ip_address, ip_interface

import pytest

from plugin.errors import ForeignLinkError, KernelError, RefusedError
from plugin.model.addresses import Address, HostRoute
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import IpvlanMode, Shim
from tests.contract.hosts import Host, make

PARENT = IfName("up0")
SHIM = Shim(
    ifname=IfName("pnh-1"),
    parent=PARENT,
    mac_address=MacAddress("02:00:00:00:00:01"),
    mtu=None,
    ipv6=True,
    owner="n1",
)
ROUTE4 = HostRoute(
    ifname=SHIM.ifname,
    address=ip_address("10.1.0.2"),
    mac_address=MacAddress("02:00:00:00:00:02"),
    source=ip_address("10.1.0.9"),
)
ROUTE6 = replace(ROUTE4, address=ip_address("fd00:1::2"), source=ip_address("fd00:1::9"))
SOURCES = tuple(
    Address(ifname=SHIM.ifname, interface=ip_interface(text))
    for text in ("10.1.0.9/32", "fd00:1::9/128")
)


@pytest.fixture
def host(host: Host) -> Host:
    """With a parent."""
    host.add_parent(PARENT)
    return host


class TestShims:
    @pytest.mark.parametrize("mtu", [None, 1400])
    @pytest.mark.parametrize("ipv6", [True, False])
    def test_it_is_made(self, host: Host, mtu: int | None, ipv6: bool) -> None:
        """And found, and made again."""
        shim = replace(SHIM, mtu=mtu, ipv6=ipv6)
        for _ in range(2):
            make(host, shim)

        assert host.kernel.read([shim]) == {shim}
        marked = host.kernel.read_all()
        assert {(type(each), each.key) for each in marked} == {(Shim, shim.key)}

    @pytest.mark.kernels
    @pytest.mark.parametrize("mode", list(IpvlanMode))
    def test_it_is_made_of_ipvlan(self, host: Host, mode: IpvlanMode) -> None:
        """And found, and made again; it goes as the other does."""
        host.need_link("ipvlan")
        shim = replace(SHIM, mac_address=None, ipvlan_mode=mode)
        for _ in range(2):
            make(host, shim)

        assert host.kernel.read([shim]) == {shim}
        marked = host.kernel.read_all()
        assert {(type(each), each.key) for each in marked} == {(Shim, shim.key)}
        host.kernel.remove([shim])
        assert host.kernel.read([shim]) == frozenset()

    def test_it_goes(self, host: Host) -> None:
        """And can come again at once."""
        make(host, SHIM)
        host.kernel.remove([SHIM])

        assert host.kernel.read([SHIM]) == frozenset()
        make(host, SHIM)
        assert host.kernel.read([SHIM]) == {SHIM}

    def test_it_is_gone_with_the_parent(self, host: Host) -> None:
        """And its routes with it; both can be made when the parent is back."""
        made = [SHIM, *SOURCES, ROUTE4, ROUTE6]
        make(host, *made)
        host.delete_link(PARENT)

        assert host.kernel.read(made) == frozenset()
        with pytest.raises(KernelError, match="up0 is not there"):
            make(host, SHIM)
        host.add_parent(PARENT)
        make(host, *made)
        assert host.kernel.read(made) == set(made)

    def test_a_foreign_link_is_left(self, host: Host) -> None:
        """Of the same name."""
        host.add_foreign_link(SHIM.ifname)
        with pytest.raises(ForeignLinkError):
            make(host, SHIM)
        host.kernel.remove([SHIM])
        host.settle()

        assert not host.kernel.missing_links([SHIM.ifname])


class TestHostRoutes:
    @pytest.mark.parametrize("route", [ROUTE4, ROUTE6])
    def test_it_is_made_and_found_again(self, host: Host, route: HostRoute) -> None:
        """By a plugin that was not there when it was made, too."""
        make(host, SHIM, *SOURCES)
        for _ in range(2):
            make(host, route)
        host.restart()

        assert host.kernel.read([route]) == {route}
        assert route.key in {each.key for each in host.kernel.read_all()}

    @pytest.mark.parametrize("route", [ROUTE4, ROUTE6])
    def test_it_goes(self, host: Host, route: HostRoute) -> None:
        """However often it is told to."""
        make(host, SHIM, *SOURCES, route)
        for _ in range(2):
            host.kernel.remove([route])

        assert host.kernel.read([route]) == frozenset()
        assert {each.key for each in host.kernel.read_all()} == {SHIM.key}

    @pytest.mark.parametrize("route", [ROUTE4, ROUTE6])
    def test_another_hardware_address_is_set_right(self, host: Host, route: HostRoute) -> None:
        """Another container has the address now."""
        other = replace(route, mac_address=MacAddress("02:00:00:00:00:03"))
        make(host, SHIM, *SOURCES, other)

        assert host.kernel.read([route]) == {other}
        make(host, route)
        assert host.kernel.read([route]) == {route}

    def test_another_source_is_set_right(self, host: Host) -> None:
        """The host has another address now."""
        new = Address(ifname=SHIM.ifname, interface=ip_interface("10.1.0.8/32"))
        other = replace(ROUTE4, source=new.interface.ip)
        make(host, SHIM, *SOURCES, new, other)

        assert host.kernel.read([ROUTE4]) == {other}
        make(host, ROUTE4)
        assert host.kernel.read([ROUTE4]) == {ROUTE4}

    @pytest.mark.parametrize("number", [0, 1])
    def test_one_that_lost_its_source_is_set_right(self, host: Host, number: int) -> None:
        """The kernel takes an IPv4 route away with it, and leaves an IPv6 route without it."""
        route, source = (ROUTE4, ROUTE6)[number], SOURCES[number]
        make(host, SHIM, source, route)
        host.kernel.remove([source])

        assert host.kernel.read([route]) != {route}
        make(host, source, route)
        assert host.kernel.read([route]) == {route}

    @pytest.mark.parametrize("number", [0, 1])
    def test_one_that_lost_its_source_gets_another(self, host: Host, number: int) -> None:
        """Or goes, as the container does."""
        route, source = (ROUTE4, ROUTE6)[number], SOURCES[number]
        new = Address(
            ifname=SHIM.ifname, interface=ip_interface(("10.1.0.8/32", "fd00:1::8/128")[number])
        )
        moved = replace(route, source=new.interface.ip)
        make(host, SHIM, source, route)
        host.kernel.remove([source])
        make(host, new, moved)

        assert host.kernel.read([route]) == {moved}
        host.kernel.remove([new])
        assert route.key in {each.key for each in host.kernel.read_all()} or number == 0
        host.kernel.remove([route])
        assert {each.key for each in host.kernel.read_all()} == {SHIM.key}

    @pytest.mark.parametrize("route", [ROUTE4, ROUTE6])
    def test_a_source_that_the_host_has_not(self, host: Host, route: HostRoute) -> None:
        """Is said."""
        make(host, SHIM)
        with pytest.raises(RefusedError, match=f"this host has lost {route.source}"):
            make(host, route)

    @pytest.mark.parametrize("route", [ROUTE4, ROUTE6])
    def test_a_foreign_route_is_left(self, host: Host, route: HostRoute) -> None:
        """Another program's route to the same address."""
        make(host, SHIM, *SOURCES)
        host.add_foreign_route(str(route.address), PARENT)
        with pytest.raises(RefusedError, match=f"a route to {route.address} exists"):
            make(host, route)
        host.kernel.remove([route])

        with pytest.raises(RefusedError, match=f"a route to {route.address} exists"):
            make(host, route)
