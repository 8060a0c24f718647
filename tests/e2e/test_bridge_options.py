"""Options by Docker's names and by pynet's, bridges that exist already, and rates."""

import re
import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.lab.clients import http_get
from tests.lab.commands import CommandError, wait_until
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.netns import inside
from tests.lab.site import Site
from tests.lab.traces import take

SUBNETS = ("--ipv6", "--subnet=10.50.0.0/24", "--subnet=fd00:50::/64")
# What is derived from ids or from chance; a MAC address may be written as a number.
NAMES = re.compile(
    r"(pn[bvc])-[0-9a-f]+|([0-9a-f]{2}:){5}[0-9a-f]{2}|0xfe80[0-9a-f]+|fe80:[0-9a-f:]+"
    r"|\b\d{11,15}\b"
)
# Numbers of links, and doubts about a link-local address that end after a second.
PASSING = re.compile(r"@if\d+|^\d+:|(?<=\n)\d+:|(?<= )tentative ")
# The name among Docker's and among pynet's, and a value that is not the default.
ROUNDS = {
    "first": [
        ("bridge.name", "bridge_name", "br-named"),
        ("bridge.enable_icc", "icc", "false"),
        ("bridge.enable_ip_masquerade", "masquerade", "false"),
        ("bridge.host_binding_ipv4", "host_binding", "127.0.0.1"),
        ("bridge.gateway_mode_ipv4", "gateway_mode_ipv4", "nat-unprotected"),
        ("bridge.gateway_mode_ipv6", "gateway_mode_ipv6", "routed"),
        ("bridge.trusted_host_interfaces", "trusted_interfaces", "eth0"),
        ("driver.mtu", "mtu", "1400"),
        ("container_iface_prefix", "iface_prefix", "lan"),
    ],
    "second": [
        ("bridge.inhibit_ipv4", "inhibit_ipv4", "true"),
        ("host_ipv4", "host_ipv4", "10.99.0.1"),
        ("host_ipv6", "host_ipv6", "fd00:99::1"),
    ],
}


@pytest.mark.parametrize("options", ROUNDS.values(), ids=ROUNDS.keys())
def test_both_names_do_the_same(site: Site, options: list[tuple[str, str, str]]) -> None:
    """Host and container are the same whichever names the options have, and not the default."""
    by_docker = [f"com.docker.network.{name}={value}" for name, _, value in options]
    by_pynet = [f"{name}={value}" for _, name, value in options]

    one, other, default = (_made(site, each) for each in (by_docker, by_pynet, []))

    assert one == other
    assert one != default


def _made(site: Site, options: list[str]) -> list[str]:
    """Make a network and a container, look at everything, and take them away again."""
    before = take(site.host.netns)
    network = site.network(*SUBNETS, *(word for each in options for word in ("-o", each)))
    container = site.run("--network", network, "-p", "8080:80")
    lines = take(site.host.netns).beyond(before)
    lines += [site.exec(container, "ip", "-o", "link"), site.exec(container, "ip", "route")]
    lines.append(site.exec(container, "ip", "-o", "address"))
    site.remove(container)
    site.remove_network(network)
    wait_until(lambda: not take(site.host.netns).beyond(before), "the end of all links")
    return sorted({re.sub(PASSING, "", NAMES.sub("?", line)) for line in lines})


def test_a_mac_address_that_inspect_showed(site: Site) -> None:
    """Tools choose it for the next container, whose address another has by then: both are heard.

    Engines before 28 announce nothing, so there an address keeps its MAC address, and is refused.
    """
    network = site.network("--subnet", "10.50.0.0/24", ipam=False)
    old = site.run("--network", network)
    mac = site.inspect("container", old)["NetworkSettings"]["Networks"][network]["MacAddress"]
    site.remove(old)
    first = site.run("--network", network)
    if site.host.engine.version == "20.10":
        with pytest.raises(CommandError, match=r"made for the container that has 10\.50\.0\.2 now"):
            site.run("--network", network, "--mac-address", mac)
        return
    second = site.run("--network", f"name={network},mac-address={mac}")

    assert site.pings(first, site.address(second, network))
    assert f"link/ether {mac}" in site.exec(second, "ip", "link", "show", "eth0")


def test_mac_address(site: Site) -> None:
    """A container has another chosen MAC address on each of its networks."""
    one, other = site.network(), site.network()
    container = site.run("--network", f"name={one},driver-opt=mac=02-11-22-33-44-5A")
    site.docker("network", "connect", "--driver-opt", "mac=02:11:22:33:44:5b", other, container)

    for link, mac, network in (("eth0", "5a", one), ("eth1", "5b", other)):
        assert f"link/ether 02:11:22:33:44:{mac}" in site.exec(
            container, "ip", "link", "show", link
        )
        attached = site.inspect("container", container)["NetworkSettings"]["Networks"][network]
        assert attached["MacAddress"] == f"02:11:22:33:44:{mac}"
        assert site.pings(container, attached["Gateway"])


def test_labels_of_a_container(site: Site) -> None:
    """What only some engines do is taken by all; what none does is refused by name."""
    network, container = site.network(), site.run()
    for option, said in (
        ("endpoint.ifname=a/b", "expected a link name of 1 to 15 bytes"),
        ("endpoint.ifnme=wan0", "did you mean com.docker.network.endpoint.ifname"),
        ("endpoint.sysctl=net.ipv4.conf.IFNAME.arp_notify=1", "did you mean .*endpoint.sysctls"),
    ):
        with pytest.raises(CommandError, match=said):
            _connect(site, f"com.docker.network.{option}", network, container)

    _connect(site, "com.docker.network.endpoint.ifname=wan0", network, container)

    links = site.exec(container, "ip", "link")
    assert ("wan0" in links) or ("eth1" in links)


def _connect(site: Site, option: str, network: str, container: str) -> None:
    site.docker("network", "connect", "--driver-opt", option, network, container)


def test_advertising(site: Site) -> None:
    """The engine does it, from 28 on; no engine's network is refused for it, but for bad numbers."""
    words = ("-o", "com.docker.network.advertise_addr_nmsgs=1")
    network = site.network(*words, "-o", "com.docker.network.advertise_addr_ms=200")

    container = site.run("--network", network)
    assert site.pings(container, site.inspect("network", network)["IPAM"]["Config"][0]["Gateway"])
    with pytest.raises(CommandError, match=r"advertise_addr_nmsgs.* 0 to 3"):
        site.network("-o", "com.docker.network.advertise_addr_nmsgs=4")
    with pytest.raises(CommandError, match=r"did you mean com.docker.network.bridge.enable_icc\?"):
        site.network("-o", "com.docker.network.bridge.enable_iccc=false")


def test_ipv6_by_label(site: Site) -> None:
    """Engines from 28 on take it for ``--ipv6``; what others pass over is refused."""
    options = ("-o", "com.docker.network.enable_ipv6=true", "--subnet=10.50.0.0/24")
    if site.host.engine.version == "20.10":
        with pytest.raises(
            CommandError, match=r"this engine .before 28. does not know; use --ipv6"
        ):
            site.network(*options)
        return
    network = site.network(*options, "--subnet=fd00:50::/64")
    container = site.run("--network", network)

    assert str(site.address6(container, network)).startswith("fd00:50::")


def test_existing_bridge(site: Site, peer: Peer) -> None:
    """A bridge that the user made is used with all that is on it, and left when the network goes."""
    ip(
        site.host.netns,
        "link add br-mine type bridge",
        "address add 10.52.0.1/24 dev br-mine",
        "link set br-mine up",
    )
    try:
        network = site.network(
            "--subnet=10.50.0.0/24", "-o", "com.docker.network.bridge.name=br-mine"
        )
        web = site.web("--network", network, "-p", "8080:80")
        assert http_get(peer.netns, site.host.address, 8080) == web
        assert _addresses(site, "br-mine") == {"10.50.0.1", "10.52.0.1"}
        site.remove(web)
        site.remove_network(network)
        assert _addresses(site, "br-mine") == {"10.52.0.1"}
    finally:
        site.clear()
        ip(site.host.netns, "link delete br-mine")


def test_link_of_another_kind(site: Site) -> None:
    """A link that is no bridge is refused by its name, and not touched."""
    ip(site.host.netns, "link add ve0 type veth peer name ve1", "address add 10.52.0.1/24 dev ve0")
    try:
        with pytest.raises(CommandError, match="a link named ve0 exists"):
            site.network("-o", "bridge_name=ve0")
        assert _addresses(site, "ve0") == {"10.52.0.1"}
    finally:
        ip(site.host.netns, "link delete ve0")


@pytest.mark.parametrize("where", ["network", "container"])
def test_rates(site: Site, where: str) -> None:
    """What a container receives and sends is bound, each direction by its own rate."""
    rates = ("rate_to=8mbit", "rate_from=16mbit")
    of_network = [word for rate in rates if where == "network" for word in ("-o", rate)]
    of_container = [word for rate in rates if where != "network" for word in ("--driver-opt", rate)]
    network = site.network("--subnet=10.50.0.0/24", *of_network)
    slow = site.run("--network", "none")
    site.docker("network", "disconnect", "none", slow)
    site.docker("network", "connect", *of_container, network, slow)
    free = site.run("--network", site.network())
    there, address = site.netns(slow), site.address(slow, network)

    to = _throughput(there, str(address), site.host.netns)
    back = _throughput(site.host.netns, "10.50.0.1", there)
    unbound = _throughput(site.netns(free), "127.0.0.1", site.netns(free))

    # A burst makes it faster at first, and a busy machine slower.
    assert 2 < to < 12, (to, back)
    assert 4 < back < 24, (to, back)
    assert unbound > 10 * max(to, back)


def _throughput(server: Path, address: str, client: Path) -> float:
    """Return the Mbit/s at which a server gets what a client sends it."""
    with inside(server):
        listener = socket.create_server((address, 0))
    with listener:
        with inside(client):
            sender = socket.create_connection(listener.getsockname(), 5)
        receiver, _ = listener.accept()
        with sender, receiver:
            thread = threading.Thread(target=_send, args=(sender,))
            thread.start()
            try:
                _receive(receiver, 0.3)
                return _receive(receiver, 0.7) * 8 / 1e6 / 0.7
            finally:
                receiver.close()
                with suppress(OSError):  # it may know already
                    sender.shutdown(socket.SHUT_RDWR)
                thread.join()


def _send(sender: socket.socket) -> None:
    with suppress(OSError):
        while True:
            sender.sendall(bytes(65536))


def _receive(receiver: socket.socket, seconds: float) -> int:
    """Return how many bytes come in that time."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        count += len(receiver.recv(65536))
    return count


def _addresses(site: Site, link: str) -> set[str]:
    (found,) = ip_json(site.host.netns, "-4", "address", "show", "dev", link)
    return {each["local"] for each in found["addr_info"]}
