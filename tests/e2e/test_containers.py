"""Containers on a network: their lives, and reaching each other."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.commands import wait_until
from tests.lab.site import Site


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_two_reach_each_other(site: Site, *, ipam: bool) -> None:
    """Containers of a network ping each other by address and by name, both ways."""
    network = site.network(ipam=ipam)
    pair = [site.run("--network", network) for _ in range(2)]

    for one, other in itertools.permutations(pair):
        assert site.pings(one, site.address(other, network))
        assert site.pings(one, other)


def test_restart_and_stop(site: Site) -> None:
    """A container that was restarted, or stopped and started, has its network and address again."""
    network = site.network()
    neighbour, container = (site.run("--network", network) for _ in range(2))
    had = [site.address(each, network) for each in (neighbour, container)]

    for _ in range(2):
        site.docker("restart", "-t", "0", neighbour, container)
        assert [site.address(each, network) for each in (neighbour, container)] == had
    assert site.pings(container, neighbour)
    site.docker("stop", "-t", "0", container)
    assert not site.pings(neighbour, container)
    site.docker("start", container)
    assert site.pings(neighbour, container)

    def keeps_its_address() -> bool:
        before = site.address(container, network)
        site.docker("stop", "-t", "0", container)
        site.docker("start", container)
        return site.address(container, network) == before

    # On a busy machine an address may wait too long between the two commands.
    wait_until(keeps_its_address, "an address that is kept", deadline=60)
    assert site.address(neighbour, network) == had[0]
    assert site.pings(neighbour, container)


def test_connect_and_disconnect(site: Site) -> None:
    """A running container enters a second network and leaves it again."""
    first, second = site.network(), site.network()
    container = site.run("--network", first)
    neighbour, other = site.run("--network", first), site.run("--network", second)
    assert not site.pings(container, site.address(other, second))

    site.docker("network", "connect", second, container)
    assert site.pings(container, other)
    assert site.pings(container, neighbour)
    assert site.pings(other, site.address(container, second))

    site.docker("network", "disconnect", second, container)
    assert not site.pings(container, site.address(other, second))
    assert site.pings(container, neighbour)
    assert "eth1" not in site.exec(container, "ip", "link")


def test_gateway_leaves_first(site: Site) -> None:
    """The network that has the default route is left: the other one takes over."""
    first, second = site.network(), site.network()
    container = site.run("--network", first)
    site.docker("network", "connect", second, container)
    gateway = site.inspect("network", second)["IPAM"]["Config"][0]["Gateway"]

    site.docker("network", "disconnect", first, container)

    assert f"default via {gateway.partition('/')[0]}" in site.exec(container, "ip", "route")


@pytest.mark.parametrize("rounds", [4, pytest.param(20, marks=pytest.mark.nightly)])
def test_two_at_once(site: Site, rounds: int) -> None:
    """Two containers started at the same moment both work, every time."""
    network = site.network()

    with ThreadPoolExecutor(2) as pool:
        for _ in range(rounds):
            pair = list(pool.map(lambda _: site.run("--network", network), range(2)))
            addresses = {site.address(name, network) for name in pair}
            assert len(addresses) == 2
            assert site.pings(pair[0], pair[1])
            site.remove(*pair)


def test_container_shares_anothers_network(site: Site) -> None:
    """`--network container:` works as on any network."""
    network = site.network()
    owner, neighbour = (site.run("--network", network) for _ in range(2))
    name = f"{owner}-guest"

    said = site.docker(
        *("run", "--rm", "--name", name, "--network", f"container:{owner}"),
        *("busybox:local", "ping", "-c", "1", "-W", "1", str(site.address(neighbour, network))),
    )

    assert "1 packets received" in said
