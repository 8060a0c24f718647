"""Mode overlay on three hosts: who hears whom, and who is not heard."""

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.model.ids import bridge_name, vxlan_name
from plugin.model.network import IPAddress
from plugin.model.tunnels import Vxlan
from tests.fakes.values import a_binding
from tests.kernel.frames import Ether, arp, checksum
from tests.kernel.netns import Netns, wait_until
from tests.kernel.site import Container
from tests.kernel.spanning import HOSTS4, HOSTS6, STRANGER4, STRANGER6, Spanning
from tests.kernel.talk import pings, tcp

PORT: Final = 7000
VXLAN: Final = 4789
ANY: Final = "0.0.0.0"
GROUP: Final = "239.1.2.3"
IP_MTU_DISCOVER: Final = 10  # linux/in.h
IP_PMTUDISC_PROBE: Final = 3
IPPROTO_FRAGMENT: Final = 44  # RFC 8200


@pytest.fixture(scope="module")
def hosts() -> Iterator[Spanning]:
    """One set for all: each test has networks with subnets of its own."""
    made = Spanning()
    yield made
    made.close()


def reaches(one: Container, other: Container) -> list[bool]:
    """By both families."""
    asked = {str(a): (one.netns, str(a)) for a in (other.address4, other.address6)}
    return list(pings(asked, dict.fromkeys(asked, True)).values())


def silent(client: Netns, *addresses: str) -> bool:
    """Whether none of the addresses answers."""
    asked = {address: (client, address) for address in addresses}
    return not any(pings(asked, dict.fromkeys(asked, False)).values())


def ear(container: Container, address: str = "") -> socket.socket:
    """A server in a container."""
    sock = container.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address or str(container.address4), PORT))
    return sock


def heard_until(sock: socket.socket, last: bytes) -> set[bytes]:
    """All that a server hears before the last word."""
    heard: set[bytes] = set()
    while (word := sock.recv(64)) != last:
        heard.add(word)
    return heard


def packet(source: IPAddress, target: IPAddress, word: bytes) -> bytes:
    """A datagram that holds a word."""
    udp = struct.pack("!HHHH", 40404, PORT, 8 + len(word), 0) + word
    head = struct.pack(
        "!BBHHHBBH4s4s",
        *(0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0),
        source.packed,
        target.packed,
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def inner(source: Container, target: Container, word: bytes) -> bytes:
    """The frame of such a one, from one container to the other."""
    ether = Ether(source=source.endpoint.mac_address, target=target.endpoint.mac_address)
    return ether.frame(0x0800, packet(source.address4, target.address4, word))


def encapsulated(vni: int, frame: bytes) -> bytes:
    """RFC 7348 section 5."""
    return struct.pack("!II", 0x08 << 24, vni << 8) + frame


def send(netns: Netns, to: str, data: bytes, source: str = "") -> None:
    """To the port that hosts listen on, from an address of the sender's."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with netns.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.sendto(data, (to, VXLAN))


def send_in_pieces(netns: Netns, way: tuple[str, str], data: bytes) -> None:
    """The same, in two fragments of IPv6 (RFC 8200 section 4.5): the ports in one, the rest after."""
    source, target = (ip_address(each).packed for each in way)
    head = struct.pack("!HHHH", 40404, VXLAN, 8 + len(data), 0)
    pseudo = source + target + struct.pack("!II", 8 + len(data), socket.IPPROTO_UDP)
    total = checksum(pseudo + head + data)
    whole = head[:6] + struct.pack("!H", total) + data
    with netns.socket(socket.AF_INET6, socket.SOCK_RAW, IPPROTO_FRAGMENT) as sock:
        for offset, piece, more in ((0, whole[:8], 1), (8, whole[8:], 0)):
            fragment = struct.pack("!BBHI", socket.IPPROTO_UDP, 0, offset | more, 77)
            sock.sendto(fragment + piece, (way[1], 0))


class TestReach:
    def test_containers_of_all_hosts(self, hosts: Spanning) -> None:
        """By both families, and each host has another id of the network."""
        blue = hosts.network("blue", "10.1.0.0/24", "fd00:1::/64")
        one, two, three = (hosts.container(blue, host, 10 + host) for host in range(3))

        assert len({each.id for each in blue}) == 3
        assert reaches(one, two) == reaches(two, three) == reaches(three, one) == [True, True]
        at = (str(three.address4), PORT)
        assert tcp(three.netns, at, one.netns, at) == str(one.address4)

    def test_hosts_that_have_ipv6_addresses(self, hosts: Spanning) -> None:
        """What containers have does not depend on that."""
        blue = hosts.network("six", "10.2.0.0/24", "fd00:2::/64", hosts=HOSTS6)
        one, two = (hosts.container(blue, host, 10 + host) for host in range(2))

        assert reaches(one, two) == [True, True]

    def test_what_is_for_everybody(self, hosts: Spanning) -> None:
        """A broadcast and a multicast arrive on every host."""
        blue = hosts.network("cast", "10.3.0.0/24")
        one, two, three = (hosts.container(blue, host, 10 + host) for host in range(3))
        for address in ("10.3.0.255", GROUP):
            with ear(two, ANY) as second, ear(three, ANY) as third:
                if address == GROUP:
                    for sock, each in ((second, two), (third, three)):
                        group = ip_address(address).packed + each.address4.packed
                        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
                with one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                    own = one.address4.packed
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
                    sock.sendto(b"all", (address, PORT))

                assert [second.recv(64), third.recv(64)] == [b"all", b"all"]

    @pytest.mark.parametrize(("family", "size"), [(HOSTS4, 1450), (HOSTS6, 1430)])
    def test_the_largest_packet_fits(
        self, hosts: Spanning, family: tuple[str, ...], size: int
    ) -> None:
        """And containers are told that a larger one does not."""
        third = 4 if family is HOSTS4 else 5
        blue = hosts.network(f"full-{size}", f"10.{third}.0.0/24", hosts=family)
        one, two = (hosts.container(blue, host, 10 + host) for host in range(2))
        client = one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with ear(two) as server, client as sock:
            sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
            sock.sendto(bytes(size - 28), (str(two.address4), PORT))
            with pytest.raises(OSError, match="Message too long"):
                sock.sendto(bytes(size - 27), (str(two.address4), PORT))

            assert len(server.recv(2048)) == size - 28

    def test_a_container_that_moves(self, hosts: Spanning) -> None:
        """It is reached where it is now before it has said a word, from every host."""
        blue = hosts.network("move", "10.6.0.0/24")
        watchers = [hosts.quiet_container(blue, host, 10 + host) for host in range(3)]
        for host in (0, 1, 2, 0):
            moving = hosts.quiet_container(blue, host, 20)
            for watcher in watchers:
                client = watcher.netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
                with ear(moving) as server, client:
                    client.sendto(b"found", (str(moving.address4), PORT))

                    assert server.recv(64) == b"found"
            hosts.stop(moving, host)

    def test_those_kept_apart_are_apart_across_hosts(self, hosts: Spanning) -> None:
        """But those that each allows the other."""
        blue = hosts.network("apart", "10.7.0.0/24", icc="false")
        one = hosts.container(blue, 0, 10, icc_allow="10.7.0.11")
        two = hosts.container(blue, 1, 11, icc_allow="10.7.0.10")
        three = hosts.container(blue, 2, 12)

        assert silent(three.netns, str(one.address4), str(two.address4))
        assert silent(one.netns, str(three.address4))
        assert pings({"": (one.netns, str(two.address4))}, {"": True}) == {"": True}

    def test_a_port_is_published_by_the_host_that_has_the_container(self, hosts: Spanning) -> None:
        """On its own addresses."""
        blue = hosts.network("web", "10.8.0.0/24")
        web = hosts.container(blue, 1, 10, a_binding(PORT, 8080))

        assert tcp(web.netns, ("10.8.0.10", PORT), hosts.stranger, (HOSTS4[1], 8080)) == STRANGER4


class TestWhoIsHeard:
    def test_only_peers(self, hosts: Spanning) -> None:
        """A stranger's datagram reaches nobody; the same from a peer would."""
        blue = hosts.network("peers", "10.11.0.0/24", vni="11")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        with ear(one) as server:
            send(hosts.stranger, HOSTS4[0], encapsulated(11, inner(two, one, b"stranger")))
            send(hosts.stranger, HOSTS6[0], encapsulated(11, inner(two, one, b"by IPv6")))
            send(hosts.sites[0].host, HOSTS4[0], encapsulated(11, inner(two, one, b"itself")))
            send(hosts.sites[1].host, HOSTS4[0], encapsulated(11, inner(two, one, b"peer")))

            assert heard_until(server, b"peer") == set()

    def test_a_strangers_pieces(self, hosts: Spanning) -> None:
        """What a rule looks for is in the second piece, when the first ends behind the ports."""
        blue = hosts.network("pieces", "10.16.0.0/24", vni="16", hosts=HOSTS6)
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        forged, honest = (encapsulated(16, inner(two, one, word)) for word in (b"piece", b"peer"))
        with ear(one) as server:
            send_in_pieces(hosts.stranger, (STRANGER6, HOSTS6[0]), forged)
            send_in_pieces(hosts.sites[1].host, (HOSTS6[1], HOSTS6[0]), honest)

            assert heard_until(server, b"peer") == set()

    def test_a_host_that_is_no_peer_any_more(self, hosts: Spanning) -> None:
        """It is not heard and not sent to; the others are as before."""
        blue = hosts.told("told", "10.12.0.0/24", "fd00:12::/64")
        one, two, three = (hosts.container(blue, host, 10 + host) for host in range(3))
        assert reaches(three, one) == [True, True]
        left = frozenset(map(ip_address, HOSTS4[:2]))
        for host in range(2):
            hosts.clusters[host].hosts = left
            with hosts.on(host) as site:
                site.peers.follow()

        assert reaches(one, two) == [True, True]
        assert silent(three.netns, str(one.address4), str(two.address4))
        assert silent(one.netns, str(three.address4))
        for host in range(2):
            hosts.clusters[host].hosts = frozenset(map(ip_address, HOSTS4))
            with hosts.on(host) as site:
                site.peers.follow()
        assert reaches(three, one) == [True, True]

    @pytest.mark.parametrize("mode", ["bridge", "overlay"])
    def test_a_container_does_not_speak_as_its_host(self, hosts: Spanning, mode: str) -> None:
        """Its datagrams leave with the host's address, which is a peer's."""
        third = 13 if mode == "bridge" else 14
        blue = hosts.network(f"inner-{mode}", f"10.{third}.0.0/24", vni=str(third))
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        attacker = two
        if mode == "bridge":
            with hosts.on(1) as site:
                attacker = site.container(site.network("plain", "10.113.0.0/24"))
        forged = encapsulated(third, inner(two, one, b"forged"))
        with ear(one) as server:
            send(attacker.netns, HOSTS4[0], forged)
            send(hosts.sites[1].host, HOSTS4[0], encapsulated(third, inner(two, one, b"peer")))

            assert heard_until(server, b"peer") == set()

    def test_a_container_cannot_have_anothers_address(self, hosts: Spanning) -> None:
        """Its own host drops what it says, so that no host learns it."""
        blue = hosts.network("claims", "10.15.0.0/24")
        one, two, three = (hosts.container(blue, host, 10 + host) for host in range(3))
        assert pings({"": (three.netns, str(one.address4))}, {"": True}) == {"": True}
        claim = arp(
            operation=2,
            mac=two.endpoint.mac_address,
            ip=str(one.address4),
            target=str(three.address4),
        )
        as_itself = Ether(source=two.endpoint.mac_address).frame(0x0806, claim)
        as_other = Ether(source=one.endpoint.mac_address).frame(0x0806, claim)
        with two.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            for frame in (as_itself, as_other):
                sock.send(frame)
        at = (str(one.address4), PORT)

        assert tcp(one.netns, at, three.netns, at) == str(three.address4)


class TestTheGateway:
    def test_it_is_the_own_hosts(self, hosts: Spanning) -> None:
        """Each host answers its own containers, by the same address and hardware address."""
        blue = hosts.network("gate", "10.21.0.0/24", "fd00:21::/64")
        found = []
        for host in range(3):
            one = hosts.container(blue, host, 10 + host)
            found.append(hosts.sites[host].host.mac_of(bridge_name(blue[host].id)))

            asked = {to: (one.netns, to) for to in ("10.21.0.1", "fd00:21::1")}
            assert all(pings(asked, dict.fromkeys(asked, True)).values())
        assert len(set(found)) == 1

    def test_another_hosts_does_not_answer(self, hosts: Spanning) -> None:
        """Nor is it asked: where the own one is silent, there is none."""
        blue = hosts.network("mute", "10.22.0.0/24", "fd00:22::/64")
        one = hosts.container(blue, 0, 10)
        hosts.container(blue, 1, 11)
        bridge = bridge_name(blue[0].id)
        hosts.sites[0].host.ip(
            f"address del 10.22.0.1/24 dev {bridge}", f"address del fd00:22::1/64 dev {bridge}"
        )

        assert silent(one.netns, "10.22.0.1", "fd00:22::1")
        known = one.netns.run("ip", "neighbour", "show", "to", "10.22.0.1")
        assert "lladdr" not in known
        with hosts.on(0) as site:
            site.healer.heal()
        assert pings({"": (one.netns, "10.22.0.1")}, {"": True}) == {"": True}

    def test_who_has_it_is_asked_at_home(self, hosts: Spanning) -> None:
        """No other host gets a copy of the question, in either family."""
        blue = hosts.network("home", "10.25.0.0/24", "fd00:25::/64")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        seen = []
        with two.netns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0003) as sock:
            sock.bind(("eth0", 0x0003))
            one.netns.ip("neighbour flush dev eth0")
            asked = {to: (one.netns, to) for to in ("10.25.0.1", "fd00:25::1")}
            assert all(pings(asked, dict.fromkeys(asked, True)).values())
            with one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                client.sendto(b"the end", ("10.25.0.255", PORT))
            while b"the end" not in (frame := sock.recv(256)):
                seen.append(frame)
        gateways = [ip_address(each).packed for each in asked]

        assert [each for each in seen if any(gateway in each for gateway in gateways)] == []

    def test_a_device_without_its_bridge_is_closed(self, hosts: Spanning) -> None:
        """What comes from other hosts is for containers, and never for the host itself."""
        blue = hosts.network("closed", "10.24.0.0/24", vni="24")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        host, device = hosts.sites[0].host, vxlan_name(blue[0].id)
        host.ip(f"link set {device} nomaster")
        aimed = Ether(source=two.endpoint.mac_address, target=host.mac_of(device))
        to = ip_address(HOSTS4[0])
        frame = aimed.frame(0x0800, packet(two.address4, to, b"inside"))
        with host.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((HOSTS4[0], PORT))
            send(hosts.sites[1].host, HOSTS4[0], encapsulated(24, frame))
            with hosts.sites[1].host.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(b"outside", (HOSTS4[0], PORT))

            assert heard_until(server, b"outside") == set()
        with hosts.on(0) as site:
            site.healer.heal()
        assert pings({"": (two.netns, str(one.address4))}, {"": True}) == {"": True}

    def test_a_host_is_not_heard_by_containers_of_others(self, hosts: Spanning) -> None:
        """It asks its own containers only, and does not reach others."""
        blue = hosts.network("between", "10.23.0.0/24")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        with two.netns.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0806) as sock:
            sock.bind(("eth0", 0x0806))
            assert silent(hosts.sites[0].host, str(two.address4), "10.23.0.98")
            assert silent(one.netns, "10.23.0.99")
            asked = set()
            while (target := str(ip_address(sock.recv(128)[38:42]))) != "10.23.0.99":
                asked.add(target)

        assert asked == set()


class TestHealing:
    @pytest.mark.parametrize(
        "harm",
        [
            "link delete {device}",
            "link set {device} down",
            "link set {device} nomaster",
            "link set {device} mtu 1000",
        ],
    )
    def test_the_device_comes_back(self, hosts: Spanning, harm: str) -> None:
        """With its peers and its place on the bridge."""
        third = 31 + sum(map(ord, harm)) % 7
        blue = hosts.network(f"heal-{harm[-9:]}", f"10.{third}.0.0/24", f"fd00:{third}::/64")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        assert reaches(one, two) == [True, True]
        with hosts.on(0) as site:
            site.host.ip(harm.format(device=vxlan_name(blue[0].id)))
            site.healer.heal()

        assert reaches(one, two) == [True, True]
        assert reaches(two, one) == [True, True]

    def test_entries_come_back_and_others_go(self, hosts: Spanning) -> None:
        """A peer's is put back, and those are removed that somebody else made."""
        blue = hosts.network("entries", "10.41.0.0/24")
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11)
        device = vxlan_name(blue[0].id)
        with hosts.on(0) as site:
            own = site.host
            own.run(*f"bridge fdb del 00:00:00:00:00:00 dev {device} dst {HOSTS4[1]}".split())
            for entry in ("00:00:00:00:00:00", "02:00:00:00:00:0b"):  # the second is a container's
                own.run(*f"bridge fdb append {entry} dev {device} dst {STRANGER4}".split())
            site.healer.heal()
            table = own.run("bridge", "fdb", "show", "dev", device)

        assert HOSTS4[1] in table
        assert STRANGER4 not in table
        assert pings({"": (one.netns, str(two.address4))}, {"": True}) == {"": True}

    def test_a_plugin_that_starts_again_touches_nothing(self, hosts: Spanning) -> None:
        """The device that is there is the one that was made."""
        blue = hosts.network("again", "10.42.0.0/24")
        device = vxlan_name(blue[0].id)
        before = hosts.sites[0].host.index_of(device)
        with hosts.on(0) as site:
            site.restart()

        assert hosts.sites[0].host.index_of(device) == before


class TestRefused:
    def test_a_number_that_another_network_has(self, hosts: Spanning) -> None:
        """Nothing is made of the second."""
        hosts.network("first", "10.51.0.0/24", vni="51")
        with pytest.raises(RefusedError, match="vni 51 on port 4789 is in use on this host by net"):
            hosts.network("second", "10.52.0.0/24", vni="51")

    def test_a_number_that_somebody_elses_link_has(self, hosts: Spanning) -> None:
        """And it is left as it is."""
        host = hosts.sites[0].host
        host.ip("link add theirs type vxlan id 53 dstport 4789 local 10.99.0.1")
        with pytest.raises(RefusedError, match=r"vni 53 on port 4789 is in use .* by link theirs"):
            hosts.network("third", "10.53.0.0/24", vni="53")
        host.ip("link delete theirs")

        hosts.network("third", "10.53.0.0/24", vni="53")

    def test_a_port_that_somebody_has(self, hosts: Spanning) -> None:
        """No link is left of the attempt."""
        with hosts.sites[0].host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(("0.0.0.0", 4999))
            with pytest.raises(RefusedError, match="UDP port 4999 is in use on this host"):
                hosts.network("fourth", "10.54.0.0/24", vxlan_port="4999")
        with hosts.on(0) as site:
            left = [each for each in site.kernel.read_all() if isinstance(each, Vxlan)]

        assert [each for each in left if each.port == 4999] == []

    def test_an_mtu_that_does_not_fit(self, hosts: Spanning) -> None:
        """Between hosts packets would be lost without a word."""
        with pytest.raises(
            RefusedError, match="mtu is '1451', expected at most 1450 bytes: the lin"
        ):
            hosts.network("fifth", "10.55.0.0/24", mtu="1451")

    def test_two_addresses_of_one_host(self, hosts: Spanning) -> None:
        """One of them is enough."""
        hosts.sites[0].host.ip("address add 10.99.0.77/24 dev fab0")
        with pytest.raises(
            RefusedError, match="are all addresses of this host; name each host once"
        ):
            hosts.network("sixth", "10.56.0.0/24", hosts=("10.99.0.1", "10.99.0.77"))


def test_a_deleted_network_leaves_nothing(hosts: Spanning) -> None:
    """Neither a device nor an element."""
    blue = hosts.network("gone", "10.61.0.0/24")
    with hosts.on(0) as site:
        before = {str(each) for each in site.firewall.read()}
        site.networks.delete(blue[0].id)
        after = {str(each) for each in site.firewall.read()}
        device = vxlan_name(blue[0].id)
        wait_until(lambda: site.kernel.missing_links([device]), "the device is still there")

    assert [each for each in before - after if "SpannedNetwork" in each]
