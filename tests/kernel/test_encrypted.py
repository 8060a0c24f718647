"""Encrypted networks: what is on the wire between hosts, and what becomes of keys and processes.

This kernel may have no WireGuard: then ``wireguard-go`` has the links, which the machine's package
list names.  Control sockets are in one directory of the machine, by names of links: the UDP port is
one of this process.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.kernel.wireguard.keys import Keys
from plugin.model.ids import vxlan_name, wireguard_name
from plugin.model.network import IPAddress, Network
from plugin.model.tunnels import inner_address
from tests.kernel.netns import Netns, wait_until
from tests.kernel.site import Container
from tests.kernel.spanning import HOSTS4, HOSTS6, Spanning
from tests.kernel.test_overlay import (
    PORT,
    VXLAN,
    ear,
    encapsulated,
    heard_until,
    inner,
    reaches,
    send,
)

WIREGUARD: Final = 20000 + os.getpid() % 20000
VNI: Final = 91
HERE: Final = ip_address(HOSTS4[0])
THERE: Final = ip_address(HOSTS4[1])
LINK: Final = wireguard_name(HERE, WIREGUARD)
SECRET: Final = "another secret that is long enough"
ETH_P_ALL: Final = 0x0003  # linux/if_ether.h
IP_MTU_DISCOVER: Final = 10  # linux/in.h
IP_PMTUDISC_PROBE: Final = 3


@pytest.fixture(scope="module")
def hosts() -> Iterator[Spanning]:
    """One set for all; processes end with their links."""
    made = Spanning()
    yield made
    for number in range(len(made.sites)):
        with made.on(number) as site:
            for network in site.store.networks():
                site.networks.delete(network.id)
            site.kernel.settle()
    made.close()


@pytest.fixture(scope="module")
def blue(hosts: Spanning) -> list[Network]:
    return encrypted(hosts, "blue", "10.31.0.0/24", "fd00:31::/64", vni=str(VNI))


@pytest.fixture(scope="module")
def pair(hosts: Spanning, blue: list[Network]) -> list[Container]:
    """A container on each of two hosts."""
    return [hosts.container(blue, host, 10 + host) for host in range(2)]


def encrypted(
    hosts: Spanning,
    name: str,
    *subnets: str,
    among: tuple[str, ...] = HOSTS4[:2],
    **options: str,
) -> list[Network]:
    given = {"encrypted": "true", "wireguard_port": str(WIREGUARD), **options}
    return hosts.network(name, *subnets, hosts=among, **given)


def heal(hosts: Spanning) -> None:
    with hosts.on(0) as site:
        site.healer.heal()


def peers(host: Netns, link: str = LINK) -> set[str]:
    """What the peers of a link may speak from, as ``wg`` has it."""
    shown = host.run("wg", "show", link, "allowed-ips")
    return {line.split("\t")[1] for line in shown.splitlines()}


def inner_text(host: str) -> str:
    return f"{inner_address(ip_address(host), WIREGUARD)}/128"


def addresses(container: Container) -> tuple[IPAddress, IPAddress]:
    return container.address4, container.address6


@contextmanager
def sniffed(hosts: Spanning) -> Iterator[list[bytes]]:
    """All frames between hosts while the block ran."""
    frames: list[bytes] = []
    with hosts.wire.entered():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    with sock:
        yield frames
        with suppress(BlockingIOError):
            while True:
                frames.append(sock.recv(1 << 16, socket.MSG_DONTWAIT))


class TestTheWire:
    def test_nothing_is_in_clear(self, hosts: Spanning, pair: list[Container]) -> None:
        """Neither what containers say, nor whose it is, nor a datagram of VXLAN."""
        one, two = pair
        words = b"words that nobody else should read"
        with sniffed(hosts) as frames:
            assert reaches(one, two) == [True, True]
            with ear(two) as server, one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(words, (str(two.address4), PORT))
                assert server.recv(64) == words

        assert [each for each in frames if each[36:38] == WIREGUARD.to_bytes(2)]
        assert not [each for each in frames if each[36:38] == VXLAN.to_bytes(2)]
        told = [words, *(address.packed for each in pair for address in addresses(each))]
        assert not [each for each in frames if any(telltale in each[14:] for telltale in told)]

    @pytest.mark.parametrize(("among", "size"), [(HOSTS4[:2], 1370), (HOSTS6[:2], 1338)])
    def test_the_largest_packet_fits(
        self, hosts: Spanning, among: tuple[str, ...], size: int
    ) -> None:
        """In one piece; and containers are told that a larger one does not."""
        third = 32 if among == HOSTS4[:2] else 33
        port = str(WIREGUARD + third)  # two addresses of a host cannot have the same one
        full = encrypted(
            hosts, f"full-{size}", f"10.{third}.0.0/24", among=among, wireguard_port=port
        )
        one, two = (hosts.container(full, host, 10 + host) for host in range(2))
        client = one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with sniffed(hosts) as frames, ear(two) as server, client as sock:
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            sock.sendto(bytes(size - 28), (str(two.address4), PORT))
            with pytest.raises(OSError, match="Message too long"):
                sock.sendto(bytes(size - 27), (str(two.address4), PORT))

            assert len(server.recv(2048)) == size - 28
        assert max(map(len, frames)) in range(1500, 1515)

    def test_what_comes_in_clear_is_not_heard(self, hosts: Spanning, pair: list[Container]) -> None:
        """From a peer's own address, or from the one that it has in the tunnel."""
        one, two = pair
        forged = encapsulated(VNI, inner(two, one, b"forged"))
        own = str(inner_address(HERE, WIREGUARD))
        theirs = str(inner_address(THERE, WIREGUARD))
        stranger = hosts.stranger
        mac = hosts.sites[0].host.mac_of("fab0")
        stranger.ip(
            f"address add {HOSTS4[1]}/32 dev fab0",
            f"address add {theirs}/128 dev fab0 nodad",
            f"neighbour replace {own} lladdr {mac} dev fab0",
            f"route add {own}/128 dev fab0",
        )
        with ear(one) as server:
            send(stranger, HOSTS4[0], forged, HOSTS4[1])
            send(stranger, own, forged, theirs)
            stranger.ip(
                f"route del {own}/128 dev fab0",
                f"address del {theirs}/128 dev fab0",
                f"address del {HOSTS4[1]}/32 dev fab0",
            )
            send(hosts.sites[1].host, own, encapsulated(VNI, inner(two, one, b"peer")))

            assert heard_until(server, b"peer") == set()

    def test_a_host_does_not_send_it_in_clear(self, hosts: Spanning, pair: list[Container]) -> None:
        """Whoever asks it to."""
        one, two = pair
        with pytest.raises(PermissionError):
            send(hosts.sites[1].host, HOSTS4[0], encapsulated(VNI, inner(one, two, b"clear")))

    def test_nothing_leaves_in_clear_while_the_link_is_away(
        self, hosts: Spanning, pair: list[Container]
    ) -> None:
        """The kernel would send it by the default route; pynet makes the link anew."""
        one, two = pair
        host = hosts.sites[0].host
        gateway = hosts.sites[0].outside
        with gateway.entered():
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        with sock:
            sock.bind(("eth0", ETH_P_ALL))
            host.ip(f"link delete {LINK}")
            with one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                for _ in range(5):
                    client.sendto(b"not in clear", (str(two.address4), PORT))
            with host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
                client.sendto(b"the last word", ("fd00:99::1", PORT))
            heard = b""
            frames = []
            while b"the last word" not in heard:
                heard = sock.recv(1 << 16)
                frames.append(heard)

        assert not [each for each in frames if b"not in clear" in each]
        heal(hosts)
        assert reaches(one, two) == [True, True]

    def test_a_peer_reaches_nothing_else_of_the_host(
        self, hosts: Spanning, pair: list[Container]
    ) -> None:
        """The host's own firewall knows nothing of the link."""
        own = str(inner_address(HERE, WIREGUARD))
        with hosts.sites[0].host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
            server.bind(("::", PORT))
            with hosts.sites[1].host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
                client.sendto(b"by the tunnel", (own, PORT))
                client.sendto(b"by the wire", (HOSTS6[0], PORT))

            assert heard_until(server, b"by the wire") == set()


class TestLives:
    @pytest.mark.parametrize(
        "harm",
        [
            "link set {link} down",
            "address flush dev {link}",
            "link delete {link}",
            pytest.param("end the process", id="process"),
            pytest.param("set {link} peer {peer} remove", id="peer"),
            pytest.param("set {link} listen-port 1234", id="port"),
            pytest.param("set {link} private-key /dev/null", id="key"),
            pytest.param("set {link} peer {stranger} allowed-ips ::/0", id="another"),
        ],
    )
    def test_it_is_put_right(self, hosts: Spanning, pair: list[Container], harm: str) -> None:
        """Whatever was done to the link, it is as it was, and containers reach each other."""
        site = hosts.sites[0]
        words = harm.format(
            link=LINK,
            peer=site.host.run("wg", "show", LINK, "peers").strip(),
            stranger="HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
        )
        if harm.startswith("end"):
            Path(f"/var/run/wireguard/{LINK}.sock").unlink()
            wait_until(lambda: not _runs(LINK), "the process goes on")
        else:
            site.host.run("wg" if words.startswith("set") else "ip", *words.split())
        with hosts.on(0):
            assert site.inspection.differences() != []
            site.healer.heal()
            assert site.inspection.differences() == []

        assert peers(site.host) == {inner_text(HOSTS4[1])}
        assert reaches(*pair) == [True, True]

    def test_a_plugin_that_starts_finds_it(self, hosts: Spanning, pair: list[Container]) -> None:
        """The process goes on, and nothing is made anew."""
        before = _runs(LINK)
        with hosts.on(0) as site:
            site.restart()

        assert _runs(LINK) == before
        assert reaches(*pair) == [True, True]

    def test_another_secret(self, hosts: Spanning, pair: list[Container]) -> None:
        """A plugin that starts with it changes the keys; those of the former are gone."""
        keys = [site.keys for site in hosts.sites]
        for secret in (Keys(SECRET), keys[0]):
            for number in range(2):
                with hosts.on(number) as site:
                    site.keys = secret
                    site.restart()

            assert reaches(*pair) == [True, True]
            assert peers(hosts.sites[0].host) == {inner_text(HOSTS4[1])}

    def test_without_a_secret_what_runs_goes_on(
        self, hosts: Spanning, blue: list[Network], pair: list[Container]
    ) -> None:
        """A new network is refused, and nothing of it is left."""
        site = hosts.sites[0]
        with hosts.on(0):
            keys, site.keys = site.keys, Keys()
            site.restart()
            with pytest.raises(RefusedError, match="pynet has no secret to make keys of"):
                encrypted(hosts, "secretless", "10.34.0.0/24")
            assert {each.id for each in site.store.networks()} >= {blue[0].id}
            assert not site.kernel.missing_links([LINK])
            site.keys = keys
            site.restart()

        assert reaches(*pair) == [True, True]

    def test_networks_share_it(self, hosts: Spanning, pair: list[Container]) -> None:
        """It goes with the last, and so does its process; peers go with the last that has them."""
        host = hosts.sites[0].host
        other = encrypted(hosts, "other", "10.35.0.0/24", among=HOSTS4)
        assert peers(host) == {inner_text(each) for each in HOSTS4[1:]}
        last = wireguard_name(ip_address(HOSTS4[2]), WIREGUARD)
        for number in range(3):
            with hosts.on(number) as site:
                site.networks.delete(other[number].id)
                site.kernel.settle()

        assert peers(host) == {inner_text(HOSTS4[1])}
        assert vxlan_name(other[0].id) not in host.run("ip", "link")
        assert last not in hosts.sites[2].host.run("ip", "link")
        wait_until(lambda: not _runs(last), "the process goes on")
        assert reaches(*pair) == [True, True]

    def test_a_port_that_is_taken(self, hosts: Spanning) -> None:
        """It is refused, and nothing is left."""
        taken = WIREGUARD + 1
        with hosts.sites[0].host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("", taken))
            with pytest.raises(RefusedError, match=f"UDP port {taken} is in use on this host"):
                encrypted(hosts, "taken", "10.36.0.0/24", wireguard_port=str(taken))

        assert wireguard_name(HERE, taken) not in hosts.sites[0].host.run("ip", "link")


def _runs(link: str) -> set[str]:
    """The processes that have a link; none where the kernel has it."""
    found = set()
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if link.encode() in each.read_bytes().split(b"\0"):
                found.add(each.parent.name)
        except OSError:
            continue
    return found
