"""Mode macvlan when something ends: containers, engines, pynet, and the parent itself."""

import signal

import pytest

from tests.e2e.parents import LAN, MAC, OTHER_LINK, RANGE, links_of
from tests.lab.clients import reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, ip
from tests.lab.site import Site


def test_the_same_mac_after_a_crash(site: Site, peer: Peer) -> None:
    """The engine is killed, and starts a container again whose link nobody has handed back."""
    network = site.network(*LAN, *RANGE)
    options = ("--network", network, "--mac-address", MAC, "--ip", "10.99.0.150")
    one = site.run(*options, "--restart=always")
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
    ip(site.host.netns, f"link set {OTHER_LINK} down")
    network = site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:], *RANGE)
    one = site.run("--network", network)

    wait_until(lambda: "is down" in _trouble(site), "a report of a link that is down")
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "a report of a link that is up")
    wait_until(lambda: site.pings(one, peer.address), "traffic")

    lab.fabric.ip(f"link set {second} down")
    wait_until(lambda: "has no carrier" in _trouble(site), "a report of a cable")
    lab.fabric.ip(f"link set {second} up")
    wait_until(lambda: not _trouble(site), "a report of a cable that is back")

    ip(site.host.netns, f"link set {OTHER_LINK} name other9")
    wait_until(lambda: "is not there" in _trouble(site), "a report of a name")
    assert site.pings(one, peer.address)
    ip(site.host.netns, f"link set other9 name {OTHER_LINK}")
    wait_until(lambda: not _trouble(site), "a report of a name that is back")


def test_a_parent_is_unplugged(site: Site, peer: Peer, second: str, lab: Lab) -> None:
    """And plugged in again: a restart gives the container its link back."""
    network = site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:], *RANGE)
    one = site.run("--network", network)
    lab.fabric.ip(f"link delete {second}")
    wait_until(lambda: "is not there" in _trouble(site), "a report of the card")
    assert links_of(site, one) == ["lo"]
    with pytest.raises(CommandError, match=f"there is no link {OTHER_LINK}"):
        site.docker("restart", "-t", "1", one)

    lab.fabric.ip(
        f"link add {second} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {second} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "a report of the card that is back")
    site.docker("start", one)
    assert site.pings(one, peer.address)


def test_a_container_that_lost_its_link_is_named(
    site: Site, peer: Peer, second: str, lab: Lab
) -> None:
    """The parent is back and the container is not: that is said until it is restarted."""
    network = site.network("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", *LAN[4:], *RANGE)
    one = site.run("--network", network, "--ip", "10.99.0.151")
    lab.fabric.ip(f"link delete {second}")
    wait_until(lambda: "is not there" in _trouble(site), "a report of the card")
    site.installed.reconcile()
    wait_until(lambda: "(10.99.0.151) lost the link" in _why(site), "a report of the container")
    lab.fabric.ip(
        f"link add {second} type veth peer name {OTHER_LINK} netns {site.host.leader}",
        f"link set {second} master br0 up",
    )
    ip(site.host.netns, f"link set {OTHER_LINK} up")
    wait_until(lambda: not _trouble(site), "a report of the card that is back")
    assert "(10.99.0.151) lost the link" in _why(site)

    site.docker("restart", "-t", "1", one)
    assert site.pings(one, peer.address)
    site.installed.reconcile()
    wait_until(lambda: not _why(site), "a report of the container that is back")


def test_no_lease_yet(site: Site, second: str) -> None:
    """The host has no address after a boot: containers start, and are reached when it has one."""
    host = site.host.netns
    ip(host, f"address add 10.98.0.9/24 dev {OTHER_LINK}")
    options = ("-o", "mode=macvlan", "-o", f"parent={OTHER_LINK}", "-o", "host_access=true")
    network = site.network(*options, "--subnet", "10.98.0.0/24", "--gateway", "10.98.0.254")
    ip(host, f"address delete 10.98.0.9/24 dev {OTHER_LINK}")
    web = site.web("--network", network)
    wait_until(lambda: "has lost 10.98.0.9" in _why(site), "a report of the address")
    ip(host, f"address add 10.98.0.9/24 dev {OTHER_LINK}")

    address = site.address(web, network)
    wait_until(lambda: reaches(host, address, 80), "the way to the container")
    wait_until(lambda: not _why(site), "a report of the address that is back")


def _why(site: Site) -> str:
    return "; ".join(each["why"] for each in site.installed.ask("/health")["degraded"])


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
