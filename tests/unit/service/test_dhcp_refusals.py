"""What a network or a container with addresses by DHCP cannot have, and the remedy that is said.

Options that mean nothing together are in `tests/refusals`; here is what the two IPAMs, the engine's flags and
other containers have to do with it.
"""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from typing import Final

import pytest

from plugin.deadline import within
from plugin.errors import RefusedError
from plugin.model.network import Endpoint, Network, PortBinding, Protocol
from tests.fakes.rig import Rig
from tests.fakes.values import SANDBOX, a_network
from tests.unit.service import leasing, leasing_pool
from tests.unit.service.leasing import MAC, wanted

SUBNET: Final = "192.168.50.0/24"
WEB: Final = PortBinding(protocol=Protocol.TCP, container_port=80, host_port=8080)


def null(rig: Rig, **changes: object) -> None:
    """With --ipam-driver null."""
    options = {**leasing.LAN.options, **{k: str(v) for k, v in changes.items()}}
    rig.networks.create(replace(leasing.LAN, options=options))


def own(rig: Rig, *subnets: str, network: Network = leasing_pool.LAN) -> None:
    """With pynet's IPAM."""
    for subnet in subnets or (None,):
        leasing_pool.request(rig, subnet)
    pools = tuple(replace(network.pools[0], prefix=IPv4Interface(each).network) for each in subnets)
    rig.networks.create(replace(network, pools=pools or network.pools))


def bridge(rig: Rig) -> Endpoint:
    """A container on a bridge of the LAN."""
    rig.host.add_parent("br-lan", kind="bridge")
    options = {"bridge_name": "br-lan", "dhcp": "true"}
    network = replace(leasing.LAN, mode="bridge", options=options)
    rig.networks.create(network)
    endpoint = rig.endpoints.create(wanted("web"))
    rig.endpoints.join(network.id, endpoint.id, SANDBOX)
    return endpoint


def second_on_passthru(rig: Rig) -> None:
    null(rig, macvlan_mode="passthru")
    first = leasing.start(rig, "web")
    rig.endpoints.join(leasing.LAN.id, first.id, SANDBOX)
    leasing.start(rig, "db")


def late_mac(rig: Rig) -> None:
    own(rig)
    leasing_pool.create(rig, "web", leasing_pool.ask(rig), MAC)


def elsewhere(rig: Rig) -> None:
    own(rig, SUBNET)
    leasing_pool.ask(rig, f"dhcp/eth0/{SUBNET}", wanted=IPv4Address("10.0.0.9"))


def no_server(rig: Rig) -> None:
    rig.lan.server.silent = True
    with within(0.3):
        null(rig, require="true")


def kept_apart(rig: Rig) -> None:
    pool = replace(
        leasing_pool.LAN.pools[0], auxiliary={"router": IPv4Interface("192.168.50.1/24")}
    )
    own(rig, network=replace(leasing_pool.LAN, pools=(pool,)))


def port_on_a_bridge(rig: Rig) -> None:
    endpoint = bridge(rig)
    rig.endpoints.program(leasing.LAN.id, endpoint.id, [WEB])


def port_on_a_parent(rig: Rig) -> None:
    null(rig)
    endpoint = leasing.start(rig, "web")
    rig.endpoints.join(leasing.LAN.id, endpoint.id, SANDBOX)
    rig.endpoints.program(leasing.LAN.id, endpoint.id, [WEB])


def pool_of(**asked: object) -> Callable[[Rig], object]:
    def ask(rig: Rig) -> object:
        plain: dict[str, object] = {"prefix": None, "subpool": None, "v6": False}
        return rig.pools.request({"dhcp": "eth0"}, **{**plain, **asked})  # type: ignore[arg-type]

    return ask


def other_parent(rig: Rig) -> None:
    rig.host.add_parent("eth1")
    options = {**leasing_pool.LAN.options, "parent": "eth1"}
    own(rig, network=replace(leasing_pool.LAN, options=options))


def two_on_one_pool(rig: Rig) -> None:
    own(rig)
    own(rig, network=replace(leasing_pool.LAN, id=a_network("other").id))


def two_of_one_identity(rig: Rig) -> None:
    null(rig, identity="lan")
    options = {**leasing.LAN.options, "identity": "lan"}
    rig.networks.create(replace(leasing.LAN, id=a_network("other").id, options=options))


LAN_SUBNET: Final = IPv4Interface(SUBNET).network
# By what is wanted: who tries it, what is wrong, and what to do in its place.
REFUSED: Final[dict[str, tuple[Callable[[Rig], object], str, str]]] = {
    "a LAN without a parent": (lambda rig: null(rig, parent=""), "parent is ''", "expected a link"),
    "a second container by passthru": (
        second_on_passthru,
        "by which one container has the parent",
        "choose macvlan_mode=bridge",
    ),
    "a port on a bridge": (port_on_a_bridge, "cannot publish port 80", "Leave out -p"),
    "a port on a parent": (port_on_a_parent, "cannot publish port 80", "host_access=true"),
    "--ip-range": (
        pool_of(prefix=LAN_SUBNET, subpool=IPv4Interface("192.168.50.0/25").network),
        "--ip-range is 192.168.50.0/25",
        "leave it out, and set the range there",
    ),
    "--aux-address": (kept_apart, "--aux-address is router", "keep the address free there"),
    "--gateway": (
        lambda rig: rig.pools.gateway(IPv4Address("192.168.50.1")),
        "--gateway is 192.168.50.1",
        "say -o gateway=192.168.50.1",
    ),
    "--ip outside of --subnet": (elsewhere, "10.0.0.9 is not of the", "choose another --ip"),
    "two subnets": (
        lambda rig: own(rig, SUBNET, "10.0.0.0/24"),
        "--subnet is 192.168.50.0/24 and 10.0.0.0/24",
        "create a network for it",
    ),
    "--mac-address that comes too late": (
        late_mac,
        f"MAC address {MAC} was chosen",
        "use a network with --ipam-driver null",
    ),
    "a server that does not answer": (
        no_server,
        "require is true, and no DHCP",
        "leave out require",
    ),
    "another parent than the pool's": (
        other_parent,
        "stands on eth1, and its IPAM was told --ipam-opt dhcp=eth0",
        "say --ipam-opt dhcp=eth1",
    ),
    "two networks of one pool": (
        two_on_one_pool,
        "has --ipam-opt dhcp=eth0 already",
        "or --ipam-driver null",
    ),
    "two networks of one identity": (two_of_one_identity, "identity is lan", "choose another"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_its_remedy(rig: Rig, what: str) -> None:
    """One sentence of what is wrong, and one of what to do."""
    rig.host.add_parent("eth0", mac_address=MAC)
    attempt, wrong, remedy = REFUSED[what]

    with pytest.raises(RefusedError) as refused:
        attempt(rig)

    assert wrong in str(refused.value)
    assert remedy in str(refused.value)


def test_no_way_out_with_internal(rig: Rig) -> None:
    """Neither the router that the server names, nor a route of its."""
    rig.host.add_parent("eth0")
    rig.lan.server.options += ((121, b"\x10\x0a\x09\xc0\xa8\x32\x01"),)
    rig.networks.create(replace(leasing.LAN, internal=True))
    endpoint = leasing.start(rig, "web")

    attachment = rig.endpoints.join(leasing.LAN.id, endpoint.id, SANDBOX)

    assert (attachment.gateway4, attachment.routes) == (None, ())


def test_a_default_route_of_the_users_takes_the_place_of_the_routers(rig: Rig) -> None:
    """It is what the refusal of --gateway says to do."""
    rig.host.add_parent("eth0")
    null(rig, routes="0.0.0.0/0 via 192.168.50.9")
    endpoint = leasing.start(rig, "web")

    attachment = rig.endpoints.join(leasing.LAN.id, endpoint.id, SANDBOX)

    assert attachment.gateway4 == IPv4Address("192.168.50.9")
