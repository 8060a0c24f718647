"""Mode overlay on three hosts: who hears whom, and who is not heard."""

import socket
from ipaddress import ip_address
from typing import Final

import pytest

from tests.fakes.values import a_binding
from tests.kernel.datagrams import (
    PORT,
    ear,
    encapsulated,
    heard_until,
    inner,
    send,
    send_in_pieces,
)
from tests.kernel.frames import Ether, arp
from tests.kernel.spanning import HOSTS4, HOSTS6, STRANGER4, STRANGER6, Spanning, reaches, silent
from tests.kernel.talk import pings, tcp

ANY: Final = "0.0.0.0"
GROUP: Final = "239.1.2.3"
IP_MTU_DISCOVER: Final = 10  # linux/in.h
IP_PMTUDISC_PROBE: Final = 3


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
