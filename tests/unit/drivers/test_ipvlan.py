"""Mode ipvlan: what a network and an endpoint are given, and what is refused."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from plugin.drivers.ipvlan import OPTIONS
from plugin.drivers.registry import bind
from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress, handoff_name
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode
from plugin.model.nat import DockerPublishes
from plugin.model.network import Endpoint, GatewayNeeds, Network, StaticRoute
from plugin.model.parents import HostLink, ParentUse
from tests.fakes.values import a_binding, a_network, a_pool, an_endpoint

ETH0 = IfName("eth0")
EVERYTHING = tuple(StaticRoute(destination=ip_network(all_)) for all_ in ("0.0.0.0/0", "::/0"))


def an_ipvlan(*subnets: str, internal: bool = False, **options: str) -> Network:
    """A network on eth0."""
    own = {"mode": "ipvlan", "parent": "eth0", **options}
    return a_network("lan", *subnets, mode="ipvlan", options=own, internal=internal)


def a_member(network: Network) -> Endpoint:
    return replace(an_endpoint(network), mac_address=MacAddress(""))


@pytest.mark.parametrize("mode", list(IpvlanMode))
@pytest.mark.parametrize("flag", list(IpvlanFlag))
def test_the_link_is_handed_over(mode: IpvlanMode, flag: IpvlanFlag) -> None:
    """In the mode and with the flag of the network, without a MAC address of its own."""
    options = {"ipvlan_mode": mode.name.lower(), "ipvlan_flag": flag.name.lower()}
    network = an_ipvlan(**options)
    endpoint = a_member(network)
    plan = bind(network).endpoint_plan(endpoint)

    assert bind(network).mac_address(endpoint) == ""
    assert plan.requires == {ETH0}
    assert plan.resources == {
        Ipvlan(
            ifname=handoff_name(endpoint.id),
            parent=ETH0,
            mode=mode,
            flag=flag,
            mtu=None,
            owner=f"{network.id}/{endpoint.id}",
            addresses=endpoint.interfaces,
        )
    }


def test_l2_has_the_gateway_of_the_lan() -> None:
    """As macvlan has."""
    network = an_ipvlan("10.1.0.0/24", "fd00:1::/64")
    attachment = bind(network).attachment(a_member(network))

    assert str(attachment.gateway4) == "10.1.0.1"
    assert str(attachment.gateway6) == "fd00:1::1"
    assert attachment.disable_gateway_service
    without = replace(network, pools=(a_pool("10.1.0.0/24", None),))
    assert bind(without).attachment(a_member(without)).routes == EVERYTHING[:1]


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_from_l3_up_everything_is_on_the_link(mode: str) -> None:
    """Whatever gateway an older engine has asked the IPAM for."""
    network = an_ipvlan("10.1.0.0/24", "fd00:1::/64", ipvlan_mode=mode)
    attachment = bind(network).attachment(a_member(network))

    assert attachment.gateway4 is None
    assert attachment.gateway6 is None
    assert attachment.routes == EVERYTHING
    assert attachment.disable_gateway_service


@pytest.mark.parametrize("mode", ["l2", "l3", "l3s"])
def test_an_internal_network_has_no_way_out(mode: str) -> None:
    """Of any kind."""
    network = an_ipvlan(internal=True, ipvlan_mode=mode)
    attachment = bind(network).attachment(a_member(network))

    assert attachment.gateway4 is None
    assert attachment.routes == ()


def test_networks_share_a_parent_in_one_mode() -> None:
    """The latest link's mode would be that of all."""
    use = bind(an_ipvlan()).parent_use()

    setting = "ipvlan_mode=l2 ipvlan_flag=bridge"
    assert use == ParentUse(parent=ETH0, kind="ipvlan", setting=setting, addressed=True)
    assert bind(an_ipvlan(ipvlan_flag="vepa")).parent_use() != use
    assert bind(an_ipvlan()).mtu_link() == ETH0


def test_wifi_is_fine() -> None:
    """An access point sees one MAC address."""
    links = {ETH0: HostLink(ifname=ETH0, wireless=True, bus_driver="virtio_net")}

    assert bind(an_ipvlan()).check_parent(links) == ()


def test_a_network_that_gives_no_addresses_is_said() -> None:
    """Docker's null IPAM: its containers start, and reach nothing."""
    network = replace(an_ipvlan(), pools=(a_pool("0.0.0.0/0", gateway=None),))

    (hint,) = bind(network).check_parent({ETH0: HostLink(ifname=ETH0)})

    assert "has no subnet (--ipam-driver null)" in hint


def test_a_mac_address_cannot_be_chosen() -> None:
    """By the user, or by the engine for the user."""
    network = an_ipvlan()
    with pytest.raises(RefusedError, match=r"is not possible in mode ipvlan.*choose mode=macvlan"):
        bind(network).check_endpoint(an_endpoint(network))
    bind(network).check_endpoint(a_member(network))


def test_no_ports_are_published() -> None:
    """All of them are open on the LAN."""
    network = an_ipvlan()

    assert not bind(network).ports_plan(a_member(network)).resources


@pytest.mark.parametrize(
    ("options", "kept"),
    [({}, True), ({"ipvlan_mode": "l3"}, False), ({"ipvlan_mode": "l3s"}, False)],
)
def test_the_routers_address_is_kept_free(options: dict[str, str], kept: bool) -> None:
    """At layer 2, where the LAN's router may have the first one."""
    needs = GatewayNeeds(skip_ipv4=not kept, skip_ipv6=not kept)

    assert bind(an_ipvlan(**options)).gateway_needs() == needs


def test_dockers_names_are_the_same() -> None:
    """A user of Docker's driver changes nothing but ``-d``."""
    assert {"parent", "ipvlan_mode", "ipvlan_flag"} <= {option.name for option in OPTIONS}


class TestPorts:
    def test_they_are_refused(self) -> None:
        """The host does not reach the container, whose ports are open anyway."""
        network = an_ipvlan()
        with pytest.raises(
            RefusedError,
            match=r"cannot publish port 80: .* with host_access=true or",
        ):
            bind(network).port_targets(a_member(network), a_binding())

    @pytest.mark.parametrize("mode", ["l2", "l3"])
    def test_docker_publishes(self, mode: str) -> None:
        """By a gateway of its own, which it adds where there is no other."""
        network = an_ipvlan(publish="docker", ipvlan_mode=mode)
        attachment = bind(network).attachment(a_member(network))

        assert bind(network).port_targets(a_member(network), a_binding()) == ()
        assert bind(network).ports_plan(a_member(network)).resources == frozenset()
        assert not attachment.disable_gateway_service
        assert attachment.gateway4 is None
        assert attachment.routes == ()
        lan = DockerPublishes(prefix=ip_network("10.1.0.0/24"))
        assert lan in bind(network).network_plan().resources

    def test_an_internal_network_publishes_nothing(self) -> None:
        """Docker's gateway would be its way out."""
        with pytest.raises(RefusedError, match="leave out publish or --internal"):
            bind(replace(an_ipvlan(publish="docker"), internal=True)).check_options()
