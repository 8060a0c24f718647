"""Mode macvlan: containers that are machines of the LAN."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import PEER_NAME
from tests.lab.clients import reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import SUBNET4, SUBNET6, Peer, ip
from tests.lab.site import Site

ON_ETH0 = ("-o", "mode=macvlan", "-o", "parent=eth0")
LAN = (*ON_ETH0, "--subnet", str(SUBNET4), "--gateway", "10.99.0.254")
RANGE = ("--ip-range", "10.99.0.128/26")
MAC = "02:11:22:33:44:55"
OTHER_LINK = "eth9"


@pytest.fixture
def second(site: Site, lab: Lab) -> Iterator[str]:
    """Another link of the host into the fabric."""
    name = f"{site.host.name}x"
    lab.fabric.ip(
        f"link add {name} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {name} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    yield name
    lab.fabric.ip(f"link delete {name}")


def test_neighbours_of_the_lan(site: Site, peer: Peer) -> None:
    """Containers reach each other and machines of the LAN with addresses of their own."""
    network = site.network(*LAN, *RANGE)
    one, other = (site.web("--network", network) for _ in range(2))
    address = site.address(one, network)

    assert site.pings(one, other)
    assert reaches(peer.netns, address, 80)
    assert site.exec(one, "wget", "-qO-", f"http://{PEER_NAME}/") == str(address)
    assert "default via 10.99.0.254" in site.exec(one, "ip", "route")
    assert _links(site, one) == ["lo", "eth0"]
    # The kernel keeps a parent from what stands on it.
    assert not reaches(site.host.netns, address, 80)


def test_both_families(site: Site, peer: Peer) -> None:
    """With the addresses that the user chose, and a MAC address too."""
    network = site.network(*LAN, "--ipv6", "--subnet", str(SUBNET6), "--gateway", "fd00:99::fe")
    addresses = ("--ip", "10.99.0.150", "--ip6", "fd00:99::150", "--mac-address", MAC)
    one = site.run("--network", network, *addresses)

    assert site.pings(one, peer.address)
    assert site.pings(one, peer.address6)
    assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    assert "via fd00:99::fe" in site.exec(one, "ip", "-6", "route", "show", "default")


def test_without_a_gateway(site: Site, peer: Peer) -> None:
    """Engines that leave it to the user do without; names are found, and bridges work beside it."""
    network = site.network(*LAN[:-2], *RANGE)
    one = site.run("--network", network)

    if not site.host.engine.version.startswith("20"):
        assert "via" not in site.exec(one, "ip", "route")
        assert site.pings(one, PEER_NAME)
    assert site.pings(one, peer.address)
    assert _links(site, one) == ["lo", "eth0"]
    site.docker("network", "connect", site.network(), one)
    assert _links(site, one) == ["lo", "eth0", "eth1"]
    assert site.pings(one, peer.address)


@pytest.mark.parametrize("options", [("-o", "mode=macvlan"), (*ON_ETH0, "--internal")])
def test_no_way_out(site: Site, options: tuple[str, ...]) -> None:
    """Without a parent, or internal: containers reach each other."""
    network = site.network(*options, "--subnet=10.50.0.0/24")
    one, other = (site.run("--network", network) for _ in range(2))

    assert site.pings(one, other)
    assert "default" not in site.exec(one, "ip", "route")
    assert _links(site, one) == ["lo", "eth0"]


def test_modes(site: Site, peer: Peer, second: str) -> None:
    """Whom the containers of a parent reach, and that several networks share one, but for passthru."""
    parent = ("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}")
    nets = {
        mode: site.network(*parent, "-o", f"macvlan_mode={mode}", f"--subnet=10.{number}.0.0/24")
        for number, mode in enumerate(("bridge", "private", "vepa"), 51)
    }
    for mode, network in nets.items():
        one, other = (site.run("--network", network) for _ in range(2))
        assert site.pings(one, site.address(other, network)) == (mode == "bridge"), mode
    with pytest.raises(CommandError, match="passthru is for one network alone"):
        site.network(*parent, "-o", "macvlan_mode=passthru", "--subnet=10.54.0.0/24")
    site.clear()

    only = site.network(
        *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "macvlan_mode=passthru"),
        *LAN[4:],
    )
    assert site.pings(site.run("--network", only, "--ip", "10.99.0.150"), peer.address)


def test_two_parents_and_two_hosts(site: Site, peer: Peer, second: str) -> None:
    """The same LAN on two links, with ranges that are apart, as two hosts have it."""
    one = site.network(*LAN, *RANGE)
    with pytest.raises(CommandError, match="overlap"):
        site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:])
    first = site.run("--network", one)
    other = site.network(
        *("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "routes=10.99.0.0/24"),
        "--subnet=10.55.0.0/24",
    )
    ip(peer.netns, "address add 10.55.0.200/24 dev eth0")
    try:
        assert site.pings(site.run("--network", other), "10.55.0.200")
    finally:
        ip(peer.netns, "address delete 10.55.0.200/24 dev eth0")
    assert site.pings(first, peer.address)


def test_beside_dockers_own(site: Site, peer: Peer) -> None:
    """Networks of Docker's driver stand on the same parent."""
    network = site.network(*LAN, *RANGE)
    dockers = site.network(
        "-o", "parent=eth0", "--subnet=10.56.0.0/24", ipam=False, driver="macvlan"
    )
    ours, theirs = site.run("--network", network), site.run("--network", dockers)
    site.docker("network", "connect", dockers, ours)

    assert site.pings(ours, site.address(theirs, dockers))
    assert site.pings(ours, peer.address)


def test_the_same_mac_again(site: Site) -> None:
    """A restart waits for the link that dies; one that does not die is said."""
    network = site.network(*LAN, *RANGE)
    one = site.run("--network", network, "--mac-address", MAC, "--stop-signal=KILL")

    for _ in range(3):
        site.docker("restart", "-t", "1", one)
        assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC
    with pytest.raises(CommandError, match=f"MAC address {MAC} is in use on eth0"):
        site.run("--network", network, "--mac-address", MAC)


def test_the_same_mac_after_a_crash(site: Site, peer: Peer) -> None:
    """The engine is killed, and starts a container again whose link nobody has handed back."""
    network = site.network(*LAN, *RANGE)
    options = ("--network", network, "--mac-address", MAC, "--ip", "10.99.0.150")
    one = site.run(*options, "--restart=always", "--stop-signal=KILL")
    site.host.restart_docker(signal.SIGKILL)
    site.installed.wait_ready()

    wait_until(lambda: site.pings(one, peer.address), "the container")
    assert site.exec(one, "cat", "/sys/class/net/eth0/address") == MAC


def test_pynet_restarts(site: Site, peer: Peer) -> None:
    """Links in sandboxes are known again, nothing is made beside them, and they can be removed."""
    network = site.network(*LAN, *RANGE)
    one = site.run("--network", network)
    site.installed.restart()

    (endpoint,) = _network(site, network)["endpoints"]
    assert endpoint["sandbox"]
    assert site.pings(one, peer.address)
    assert "pnc-" not in site.host.run("ip", "link")
    site.remove(one)
    assert not _network(site, network)["endpoints"]


def test_a_parent_comes_and_goes(site: Site, peer: Peer, second: str, lab: Lab) -> None:
    """The health says what is wrong with it, until it is back; what can be healed is."""
    network = site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:], *RANGE)
    one = site.run("--network", network)

    ip(site.host.netns, f"link set {OTHER_LINK} down")
    wait_until(lambda: "is down" in _trouble(site), "word of a link that is down")
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "word of a link that is up")
    wait_until(lambda: site.pings(one, peer.address), "traffic")

    lab.fabric.ip(f"link set {second} down")
    wait_until(lambda: "has no carrier" in _trouble(site), "word of a cable")
    lab.fabric.ip(f"link set {second} up")
    wait_until(lambda: not _trouble(site), "word of a cable that is back")

    ip(site.host.netns, f"link set {OTHER_LINK} name other9")
    wait_until(lambda: "is not there" in _trouble(site), "word of a name")
    assert site.pings(one, peer.address)
    ip(site.host.netns, f"link set other9 name {OTHER_LINK}")
    wait_until(lambda: not _trouble(site), "word of a name that is back")


def test_a_parent_is_unplugged(site: Site, peer: Peer, second: str, lab: Lab) -> None:
    """And plugged in again: a restart gives the container its link back."""
    network = site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:], *RANGE)
    one = site.run("--network", network, "--stop-signal=KILL")
    lab.fabric.ip(f"link delete {second}")
    wait_until(lambda: "is not there" in _trouble(site), "word of the card")
    assert _links(site, one) == ["lo"]
    with pytest.raises(CommandError, match=f"there is no link {OTHER_LINK}"):
        site.docker("restart", "-t", "1", one)

    lab.fabric.ip(
        f"link add {second} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {second} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "word of the card that is back")
    site.docker("start", one)
    assert site.pings(one, peer.address)


def _links(site: Site, container: str) -> list[str]:
    lines = site.exec(container, "ip", "-o", "link").splitlines()
    return [line.split(": ")[1].partition("@")[0] for line in lines]


def _network(site: Site, name: str) -> dict[str, list[dict[str, str]]]:
    ident = site.inspect("network", name)["Id"]
    found: dict[str, list[dict[str, str]]] = next(
        each for each in site.installed.ask("/v1/networks") if each["id"] == ident
    )
    return found


def _trouble(site: Site) -> str:
    return "; ".join(
        each["why"]
        for each in site.installed.ask("/health")["degraded"]
        if each["what"] == f"parent {OTHER_LINK}"
    )
