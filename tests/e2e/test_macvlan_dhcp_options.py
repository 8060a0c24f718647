"""What a network's options have DHCP servers told, and which answers are taken; dnsmasq is the witness."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.parents import ON_ETH0
from tests.lab.commands import CommandError
from tests.lab.dhcp import Dnsmasq
from tests.lab.namespace import SUBNET4, Peer, ip
from tests.lab.site import Site

LEASED: Final = (*ON_ETH0, "-o", "dhcp=true", "--ipam-driver", "null")
CLASS: Final = "docker net"
FAR: Final = "10.98.0.0/16"
FAR_WAY: Final = "10.99.0.252"
# Networks of classes B and C, a host, and a subnet whose mask the option cannot say.
STATIC: Final = ",".join(
    f"{each},{FAR_WAY}" for each in ("172.20.0.0", "192.168.77.0", "172.21.5.9", "172.22.5.0")
)
TWICE: Final = f"{FAR},{FAR_WAY},{FAR},10.99.0.253,0.0.0.0/0,10.99.0.251"
SERVERS_OWN: Final = "the server"  # which says that it is the router, if nothing else


@contextmanager
def _serving(peer: Peer, folder: Path) -> Iterator[Dnsmasq]:
    """It gives another router or MTU to a class of clients, and a route to all; it remembers nobody."""
    folder.mkdir()
    made = Dnsmasq(
        peer,
        folder,
        *("--log-dhcp", "--dhcp-authoritative"),
        *(f"--dhcp-vendorclass=set:docker,{CLASS}", "--dhcp-option=tag:docker,3,10.99.0.253"),
        *("--dhcp-userclass=set:lab,lab", "--dhcp-option=tag:lab,26,1400"),
        f"--dhcp-option=tag:lab,121,{FAR},{FAR_WAY},0.0.0.0/0,10.99.0.251",
        *("--dhcp-userclass=set:old,old", f"--dhcp-option=tag:old,33,{STATIC}"),
        *("--dhcp-userclass=set:twice,twice", f"--dhcp-option=tag:twice,121,{TWICE}"),
    )
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server(peer: Peer, tmp_path: Path) -> Iterator[Dnsmasq]:
    """One for a whole test."""
    with _serving(peer, tmp_path / "server") as made:
        yield made


def test_what_the_server_is_told(site: Site, server: Dnsmasq) -> None:
    """Its class and its name, and a MAC address that outlives the network."""
    options = (f"vendor_class={CLASS}", "fqdn=server", "identity=lan", "require=true")
    given = [word for option in options for word in ("-o", option)]
    seen = set()
    for _ in range(2):
        network = site.network(*LEASED, *given, ipam=False)
        web = site.run("--network", f"name={network},driver-opt=name=web")
        seen.add((site.address(web, network), site.exec(web, "cat", "/sys/class/net/eth0/address")))
        assert "default via 10.99.0.253" in site.exec(web, "ip", "route")
        assert server.names() == {"web"}
        site.remove(web)
        site.remove_network(network)

    assert len(seen) == 1
    assert "client provides name: web" in server.log()


@pytest.mark.parametrize(
    ("options", "ways"),
    [
        (("user_class=old",), {"172.20.0.0/16", "192.168.77.0/24", "172.21.5.9"}),
        (("user_class=old", "use_routes=false"), set()),
        (("user_class=lab,old",), {FAR}),
        (("user_class=twice",), {FAR}),
    ],
    ids=["static", "none", "classless before static", "twice"],
)
def test_routes_of_the_server(
    site: Site, server: Dnsmasq, options: tuple[str, ...], ways: set[str]
) -> None:
    """Static routes of old servers, unless there are classless ones; of two to one place, the first."""
    given = [word for option in options for word in ("-o", option)]
    network = site.network(*LEASED, *given, ipam=False)
    web = site.run("--network", network)
    lines = site.exec(web, "ip", "route").splitlines()

    assert {line.split()[0] for line in lines if f"via {FAR_WAY}" in line} == ways


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ((), ("10.99.0.251", FAR_WAY, "1400")),
        (("use_routes=false",), (SERVERS_OWN, "", "1400")),
        (("use_mtu=false", "gateway=none"), ("", FAR_WAY, "1500")),
        (("gateway=10.99.0.9",), ("10.99.0.9", FAR_WAY, "1400")),
    ],
)
def test_what_is_taken_of_the_server(
    site: Site, peer: Peer, server: Dnsmasq, options: tuple[str, ...], taken: tuple[str, str, str]
) -> None:
    """The server gives a class of clients routes, another router, and an MTU."""
    given = [word for option in ("user_class=web,lab", *options) for word in ("-o", option)]
    network = site.network(*LEASED, *given, ipam=False)
    web = site.run("--network", network)

    lines = [line.split() for line in site.exec(web, "ip", "route").splitlines()]
    ways = {line[0]: line[2] for line in lines if line[1] == "via"}
    found = [ways.get(each, "") for each in ("default", FAR)]
    mtu = site.exec(web, "cat", "/sys/class/net/eth0/mtu").strip()
    default, *others = taken
    default = default.replace(SERVERS_OWN, str(peer.address))
    assert [*found, mtu] == [default, *others]
    assert "user class: weblab" in server.log()  # as dnsmasq writes the two


def test_a_parent_by_its_lan(site: Site, server: Dnsmasq) -> None:
    """The network has no subnet to find it by, so the LAN is said."""
    on_lan = [word.replace("parent=eth0", f"parent={SUBNET4}") for word in LEASED]
    web = site.run("--network", site.network(*on_lan, ipam=False))
    with pytest.raises(CommandError, match=r"parent is '192.0.2.0/24', and no link of host"):
        site.network(*(word.replace(str(SUBNET4), "192.0.2.0/24") for word in on_lan), ipam=False)

    assert site.exec(web, "ip", "route", "get", "10.99.0.1").split()[1:3] == ["dev", "eth0"]
    assert len(server.addresses()) == 1


def test_a_gateway_of_another_lan(site: Site, server: Dnsmasq) -> None:
    """The start fails for that, and says so; nothing is leased."""
    network = site.network(*LEASED, "-o", "gateway=192.0.2.1", ipam=False)

    with pytest.raises(CommandError, match=r"gateway 192\.0\.2\.1 is not of that LAN"):
        site.run("--network", network)

    assert server.addresses() == set()


def test_a_server_that_is_not_to_be_listened_to(site: Site, peer: Peer, server: Dnsmasq) -> None:
    """A network that requires one is refused, and says why; nothing was leased for that."""
    with pytest.raises(CommandError, match=rf"require is true.*server {peer.address} is not one"):
        site.network(
            *LEASED, "-o", "require=true", "-o", f"deny_servers={peer.address}", ipam=False
        )

    assert server.addresses() == set()
    site.network(*LEASED, "-o", "require=true", "-o", f"servers={peer.address}", ipam=False)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--gateway", "10.99.0.254"), "--gateway is 10.99.0.254.*say -o gateway=10.99.0.254"),
        (("--ip-range", "10.99.0.128/26"), "--ip-range is 10.99.0.128/26.*set the range there"),
        (
            ("--aux-address", "x=10.99.0.9"),
            "10.99.0.9 is of --aux-address, leave it out, and keep the address free",
        ),
        (("--subnet", "10.98.0.0/24"), "and the addresses of a LAN are of one subnet"),
    ],
)
def test_what_the_server_alone_decides(site: Site, flags: tuple[str, str], said: str) -> None:
    """Flags of Docker's for networks whose addresses an IPAM gives."""
    pool = ("--ipam-driver", site.driver, "--ipam-opt", "dhcp=eth0", "--subnet", "10.99.0.0/24")

    with pytest.raises(CommandError, match=said):
        site.network(*ON_ETH0, "-o", "dhcp=true", *pool, *flags, ipam=False)


def test_another_machine_has_the_address(site: Site, peer: Peer, tmp_path: Path) -> None:
    """The start fails and names it; with conflict=wait it has another address, with off the same."""

    def start(conflict: str) -> IPv4Address:
        options = ("-o", "identity=lan", "-o", f"conflict={conflict}")
        network = site.network(*LEASED, *options, ipam=False)
        try:
            web = site.run("--network", f"name={network},driver-opt=name=web")
            return site.address(web, network)
        finally:
            site.clear()

    with _serving(peer, tmp_path / "alone"):
        first = start("join")
    with _serving(peer, tmp_path / "join") as server, _has(peer, first):
        with pytest.raises(CommandError, match=f"{first}, which DHCP server .* is in use by"):
            start("join")
        assert f"DHCPDECLINE(eth0) {first}" in server.log()
    with _serving(peer, tmp_path / "wait"), _has(peer, first):
        assert start("wait") != first
    with _serving(peer, tmp_path / "off"), _has(peer, first):
        assert start("off") == first


@contextmanager
def _has(peer: Peer, address: IPv4Address) -> Iterator[None]:
    ip(peer.netns, f"address add {address}/32 dev eth0")
    try:
        yield
    finally:
        ip(peer.netns, f"address delete {address}/32 dev eth0")
