"""Creating networks, and refusing to."""

from ipaddress import IPv4Network, ip_network

import pytest

from tests.lab.commands import CommandError
from tests.lab.namespace import SUBNET4, ip_json
from tests.lab.site import Site

# Options of `docker network create`, and what the refusal says.
REFUSED = {
    "an unknown option": (("-o", "flavour=sweet"), "option flavour is unknown"),
    "a misspelt option": (("-o", "masqerade=true"), "did you mean masquerade"),
    "a bad number": (("-o", "mtu=many"), "option mtu is 'many', expected"),
    "a number out of range": (("-o", "mtu=1"), "option mtu is '1', expected"),
    "a bad boolean": (("-o", "masquerade=perhaps"), "option masquerade is 'perhaps', expected"),
    "a bad link name": (("-o", "bridge_name=a/b"), "option bridge_name is 'a/b', expected"),
    "an unknown mode": (("-o", "mode=teleport"), "teleport"),
    "a foreign link": (("-o", "bridge_name=eth0"), "eth0"),
    "a gateway outside": (
        ("--subnet=10.50.0.0/24", "--gateway=10.51.0.1"),
        "10.51.0.1|no matching subnet",
    ),
}


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_create_inspect_remove(site: Site, *, ipam: bool) -> None:
    """A network has what was asked for, in Docker's view and on the host."""
    network = site.network(
        "--subnet=10.50.0.0/24", "--gateway=10.50.0.9", "-o", "bridge_name=br-e2e", ipam=ipam
    )

    seen = site.inspect("network", network)
    assert seen["Driver"] == site.driver
    assert seen["IPAM"]["Config"] == [{"Subnet": "10.50.0.0/24", "Gateway": "10.50.0.9"}]
    assert seen["Options"] == {"bridge_name": "br-e2e"}
    assert _addresses(site, "br-e2e") == ["10.50.0.9/24"]
    site.remove_network(network)


def test_default_pools_are_apart(site: Site) -> None:
    """Networks without a subnet get different ones, none of which the host can reach already."""
    subnets = [_subnet(site, site.network()) for _ in range(3)]

    taken = [*subnets, SUBNET4]
    for index, subnet in enumerate(taken):
        assert not any(subnet.overlaps(other) for other in taken[index + 1 :])


def test_addresses_come_from_the_range(site: Site) -> None:
    """With an ip-range, containers have its addresses; an auxiliary address is never given."""
    network = site.network(
        "--subnet=10.50.0.0/24",
        "--ip-range=10.50.0.64/30",
        "--gateway=10.50.0.1",
        "--aux-address=printer=10.50.0.65",
    )

    given = {site.address(site.run("--network", network), network) for _ in range(3)}

    assert {str(address) for address in given} == {"10.50.0.64", "10.50.0.66", "10.50.0.67"}


def test_address_of_ones_choice(site: Site) -> None:
    """`--ip` gives that address, and it cannot be had twice."""
    network = site.network("--subnet=10.50.0.0/24")
    first = site.run("--network", network, "--ip", "10.50.0.77")

    assert str(site.address(first, network)) == "10.50.0.77"
    with pytest.raises(CommandError, match=r"10\.50\.0\.77|in use"):
        site.run("--network", network, "--ip", "10.50.0.77")


def test_mtu_reaches_the_container(site: Site) -> None:
    """The option mtu is that of the container's link; the default is the uplink's."""
    small, ordinary = site.network("-o", "mtu=1400"), site.network()

    for network, mtu in ((small, "1400"), (ordinary, "1500")):
        container = site.run("--network", network)
        assert site.exec(container, "cat", "/sys/class/net/eth0/mtu") == mtu


def test_mac_address_of_ones_choice(site: Site) -> None:
    """`--mac-address` is the MAC address of the container's link."""
    container = site.run("--network", site.network(), "--mac-address", "02:11:22:33:44:55")

    assert site.exec(container, "cat", "/sys/class/net/eth0/address") == "02:11:22:33:44:55"


@pytest.mark.parametrize(("options", "match"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(site: Site, options: tuple[str, ...], match: str) -> None:
    """What cannot be is refused, with the reason, and leaves nothing."""
    with pytest.raises(CommandError, match=match):
        site.network(*options)


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_overlap_is_refused(site: Site, *, ipam: bool) -> None:
    """Two networks cannot have common addresses."""
    site.network("--subnet=10.50.0.0/16", ipam=ipam)

    with pytest.raises(CommandError, match="overlap"):
        site.network("--subnet=10.50.7.0/24", ipam=ipam)


def _subnet(site: Site, network: str) -> IPv4Network:
    config = site.inspect("network", network)["IPAM"]["Config"]
    subnet = ip_network(config[0]["Subnet"])
    assert isinstance(subnet, IPv4Network)
    return subnet


def _addresses(site: Site, ifname: str) -> list[str]:
    links = ip_json(site.host.netns, "address", "show", "dev", ifname)
    return [
        f"{address['local']}/{address['prefixlen']}"
        for address in links[0]["addr_info"]
        if address["scope"] == "global"
    ]
