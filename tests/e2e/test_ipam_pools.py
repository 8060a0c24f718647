"""Subnets: chosen ones that meet nothing of the host's, named ones of any shape, and refusals."""

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import pytest

from tests.e2e.conftest import PLACES, Place
from tests.lab import ledger
from tests.lab.commands import CommandError
from tests.lab.installed import PluginProcess
from tests.lab.namespace import ip
from tests.lab.site import Site

# `--ipam-opt`, and what the refusal says.
REFUSED = {
    "flavour=sweet": "'flavour' is not an option of a pool, expected one of cluster, exclude, group, prefix",
    "prefix=many": "prefix is 'many', expected lengths such as 28",
    "prefix=129": "prefix is '129', expected lengths such as 28",
    "prefix=28": "prefix is 28, but the subnet 10.50.0.0/24 has a length already",
    "tenant=a b": "tenant is 'a b', expected",
    "range=10.50.0.7-": "range is '10.50.0.7-', expected addresses, prefixes or first-last",
    "range=10.50.0.128-10.50.1.3": "reaches over the edge of 10.50.0.0/24",
    "exclude=everything": "exclude is 'everything', expected addresses",
}
# A pool and a sub-pool, as an engine that checks nothing would ask for them.
SUB_POOLS = {
    ("", "10.50.0.0/28"): "sub-pool 10.50.0.0/28 has no pool; give the subnet it lies in",
    ("10.50.0.0/24", "10.51.0.0/28"): "sub-pool 10.51.0.0/28 lies outside its pool",
    ("10.50.0.0/24", "fd00:50::/80"): "sub-pool fd00:50::/80 lies outside its pool",
}


@pytest.fixture(scope="session", params=[p for p in PLACES if "socket" in p], ids="-".join)
def place(place: Place) -> Place:
    """One way of running it is enough: addresses are chosen alike in both."""
    return place


@pytest.fixture
def plugin(site: Site) -> PluginProcess:
    assert isinstance(site.installed, PluginProcess)
    return site.installed


@pytest.fixture
def wires(place: Place) -> Iterator[tuple[str, str]]:
    """Two links of the host, each for a network of Docker's macvlan driver."""
    ip(
        place.host.netns,
        "link add wire0 type veth peer name wire1",
        "link set wire0 up",
        "link set wire1 up",
    )
    yield "wire0", "wire1"
    ip(place.host.netns, "link delete wire0")


@pytest.mark.parametrize("driver", ["macvlan", ""])
def test_tenants_may_overlap(wires: tuple[str, str], site: Site, driver: str) -> None:
    """Two tenants have the same subnet, and containers in it the same address."""
    ours = () if driver else ("-o", "mode=macvlan")
    seen = {}
    for wire, tenant in zip(wires, ("red", "blue"), strict=True):
        network = site.network(
            *("--subnet=10.50.0.0/24", "--ipam-opt", f"tenant={tenant}", "-o", f"parent={wire}"),
            *ours,
            driver=driver,
        )
        seen[tenant] = str(site.address(site.run("--network", network), network))

    assert seen == {"red": "10.50.0.2", "blue": "10.50.0.2"}
    assert set(ledger.read(site.installed.state)) == {
        "pynet-local:red/10.50.0.0/24",
        "pynet-local:blue/10.50.0.0/24",
    }


def test_tenants_do_not_meet_on_one_host(site: Site) -> None:
    """What the addresses allow the host's routes do not: the network driver says so."""
    site.network("--subnet=10.50.0.0/24", "--ipam-opt", "tenant=red")

    with pytest.raises(CommandError, match=r"subnet 10\.50\.0\.0/24 overlaps 10\.50\.0\.0/24 of"):
        site.network("--subnet=10.50.0.0/24", "--ipam-opt", "tenant=blue")


def test_overlap_names_the_pool_in_the_way(site: Site) -> None:
    """Within a tenant no subnet may lie in, around or upon another, whatever the ip-ranges."""
    tenant = ("--ipam-opt", "tenant=red")
    site.network("--subnet=10.50.0.0/20", "--ip-range=10.50.1.0/24", *tenant)

    for subnet in ("10.50.0.0/20", "10.50.0.0/16", "10.50.4.0/24"):
        for ip_range in ((), ("--ip-range=10.50.4.0/26",)):
            with pytest.raises(
                CommandError, match=rf"overlaps .*{subnet} and pool pynet-local:red/10.50.0.0/20"
            ):
                site.network(f"--subnet={subnet}", *ip_range, *tenant)


def test_chosen_subnets_meet_no_route(site: Site) -> None:
    """A route in any table, such as a VPN's, is stepped around from the moment it is there."""
    first = _subnets(site, site.network("--ipv6"))
    v4, v6 = first[4], first[6]
    beyond4, beyond6 = _next(v4), _next(v6)
    routes = [f"{beyond4} dev eth0 table 100", f"{beyond6} dev eth0 table 100"]

    ip(site.host.netns, f"route add {routes[0]}", f"route add {routes[1]}")
    try:
        second = _subnets(site, site.network("--ipv6", "--ipam-opt", "tenant=red"))
    finally:
        ip(site.host.netns, f"route del {routes[0]}", f"route del {routes[1]}")
    third = _subnets(site, site.network("--ipv6"))

    assert (str(v4), v6.prefixlen) == ("10.208.0.0/24", 64)
    assert v6.is_private
    assert second == {4: _next(beyond4), 6: _next(beyond6)}
    assert third == {4: beyond4, 6: beyond6}


def test_subnets_of_a_size(site: Site) -> None:
    """`prefix=28` and `--subnet 0.0.0.0/28` say how large a chosen subnet is."""
    option = site.network("--ipv6", "--ipam-opt", "prefix=28,72")
    subnet = site.network("--subnet=0.0.0.0/28", "--ipv6", "--subnet=::/72")

    pools = [ip_network(pool.partition("/")[2]) for pool in ledger.read(site.installed.state)]
    assert sorted(pool.prefixlen for pool in pools) == [28, 28, 72, 72]
    for network in (option, subnet):
        container = site.run("--network", network)
        for address in (site.address(container, network), site.address6(container, network)):
            home = next(pool for pool in pools if address in pool)
            assert site.pings(container, home[1])


def test_host_bits(site: Site) -> None:
    """The older engine takes an address for its subnet; the newer says itself what it should be."""
    if site.host.engine.version != "20.10":
        with pytest.raises(CommandError, match=r"it should be 10\.50\.0\.0/24"):
            site.network("--subnet=10.50.0.77/24")
        return
    network = site.network("--subnet=10.50.0.77/24")
    container = site.run("--network", network)

    assert site.address(container, network) == IPv4Address("10.50.0.2")
    assert list(ledger.read(site.installed.state)) == ["pynet-local/10.50.0.0/24"]


def test_point_to_point(site: Site) -> None:
    """Both addresses of a /31 and of a /127 are used: one for the gateway, one for a container."""
    network = site.network("--ipv6", "--subnet=10.50.0.0/31", "--subnet=fd00:50::/127")
    container = site.run("--network", network)

    assert str(site.address(container, network)) == "10.50.0.1"
    assert str(site.address6(container, network)) == "fd00:50::1"
    assert site.pings(container, "10.50.0.0")
    assert site.pings(container, "fd00:50::")
    with pytest.raises(CommandError, match="no available addresses on this pool"):
        site.run("--network", network)


def test_single_address(site: Site) -> None:
    """A /32 and a /128 are the gateway's, and there is none left for a container: it is refused."""
    for options in (("--subnet=10.50.0.9/32",), ("--ipv6", "--subnet=fd00:50::9/128")):
        with pytest.raises(CommandError, match="has one address, which is the bridge's, and none"):
            site.network(*options)

    assert ledger.held(site.installed.state) == set()


def test_without_ipv4(site: Site) -> None:
    """Networks of IPv6 alone, with a subnet of one's own or any, where the engine has them."""
    if site.host.engine.version == "20.10":
        with pytest.raises(CommandError, match="unknown flag: --ipv4"):
            site.network("--ipv6", "--ipv4=false")
        return
    named = site.network("--ipv6", "--ipv4=false", "--subnet=fd00:50::/64")
    chosen = site.network("--ipv6", "--ipv4=false")

    container = site.run("--network", named)
    assert str(site.address6(container, named)) == "fd00:50::2"
    assert site.pings(container, "fd00:50::1")
    other = site.run("--network", chosen)
    assert site.address6(other, chosen) in _subnets(site, chosen)[6]


def test_refused_options(site: Site) -> None:
    """What cannot be is refused in a sentence with the value and what would be right."""
    for option, words in REFUSED.items():
        with pytest.raises(CommandError) as refusal:
            site.network("--subnet=10.50.0.0/24", "--ipam-opt", option)
        assert words in refusal.value.output
        assert refusal.value.output.strip().count("\n") == 0
    assert ledger.read(site.installed.state) == {}


def test_refused_sub_pools(site: Site, plugin: PluginProcess) -> None:
    """A range without a subnet, outside of it, or of the other family."""
    for (pool, sub_pool), words in SUB_POOLS.items():
        answer = _request_pool(plugin, Pool=pool, SubPool=sub_pool)
        assert words in answer["Error"]
        with pytest.raises(CommandError):
            site.network(*(f"--subnet={pool}" if pool else "--ipv6", f"--ip-range={sub_pool}"))
    assert ledger.read(site.installed.state) == {}


def test_an_answer_that_was_lost(site: Site, plugin: PluginProcess) -> None:
    """pynet restarts under a call: the engine asks again and gets the same, others do not."""
    first = _request_pool(plugin, Pool="10.50.0.0/24")
    early = _request_pool(plugin, Pool="10.50.0.0/24")
    plugin.restart()
    again = _request_pool(plugin, Pool="10.50.0.0/24")
    late = _request_pool(plugin, Pool="10.50.0.0/24")

    assert first == again
    for answer in (early, late):
        assert "overlaps" in answer["Error"]
    assert plugin.call("IpamDriver.ReleasePool", {"PoolID": first["PoolID"]}) == {}
    assert ledger.read(site.installed.state) == {}


def _subnets(site: Site, network: str) -> dict[int, Any]:
    """Return a network's subnets by their family."""
    configs = site.inspect("network", network)["IPAM"]["Config"]
    found = [ip_network(config["Subnet"]) for config in configs]
    return {subnet.version: subnet for subnet in found}


def _next(subnet: Any) -> Any:
    step = subnet.num_addresses
    return ip_network((ip_address(int(subnet.network_address) + step), subnet.prefixlen))


def _request_pool(plugin: PluginProcess, **wishes: str) -> dict[str, Any]:
    body = {"AddressSpace": "pynet-local", "Pool": "", "SubPool": "", "Options": {}, "V6": False}
    return plugin.call("IpamDriver.RequestPool", {**body, **wishes})
