"""The gateway of a network on several hosts is each container's own host."""

import socket
from ipaddress import ip_address

import pytest

from plugin.model.ids import bridge_name, vxlan_name
from tests.kernel.datagrams import (
    PORT,
    ear,
    encapsulated,
    heard_until,
    inner,
    packet,
    send,
)
from tests.kernel.frames import ARP, IP6, Ether, arp, neighbour, source_is_at, target_is_at
from tests.kernel.site import Container
from tests.kernel.spanning import HOSTS4, Spanning, silent
from tests.kernel.talk import pings


def _claims(liar: Container, victim: Container, gateway4: str, gateway6: str) -> list[bytes]:
    """All frames by which neighbours learn where an address is (RFC 826, RFC 4861)."""
    own, target = liar.endpoint.mac_address, victim.endpoint.mac_address
    words = {"mac": own, "ip": gateway4}
    found = [
        arp(operation=operation, target=to, **words)
        for operation in (1, 2)
        for to in (gateway4, str(victim.address4))
    ]
    messages = [
        neighbour(136, str(liar.address6), str(victim.address6), gateway6, target_is_at(own)),
        neighbour(135, gateway6, str(victim.address6), str(victim.address6), source_is_at(own)),
    ]
    ether = Ether(source=own, target=target)
    return [
        *(ether.frame(ARP, each) for each in found),
        *(ether.frame(IP6, each) for each in messages),
    ]


def _asks(frame: bytes, address: str) -> bool:
    """Whether it is a question of ARP or of neighbour discovery for that address."""
    target = ip_address(address).packed
    if frame[12:14] == b"\x08\x06":
        return frame[38:42] == target
    return frame[12:14] == b"\x86\xdd" and frame[54] == 135 and frame[62:78] == target


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

        assert [each for each in seen if any(_asks(each, gateway) for gateway in asked)] == []

    @pytest.mark.parametrize("way", ["peer", "container"])
    def test_no_other_host_says_that_it_has_it(self, hosts: Spanning, way: str) -> None:
        """Neither a peer, nor a container there that no guard holds."""
        third = 26 if way == "peer" else 27
        blue = hosts.network(
            f"claim-{way}", f"10.{third}.0.0/24", f"fd00:{third}::/64", vni=str(third)
        )
        one, two = hosts.container(blue, 0, 10), hosts.container(blue, 1, 11, spoof_guard="false")
        asked = {to: (one.netns, to) for to in (f"10.{third}.0.1", f"fd00:{third}::1")}
        assert all(pings(asked, dict.fromkeys(asked, True)).values())
        with ear(one) as server, two.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("eth0", 0))
            for frame in [*_claims(two, one, *asked), inner(two, one, b"the end")]:
                if way == "peer":
                    send(hosts.sites[1].host, HOSTS4[0], encapsulated(third, frame))
                else:
                    sock.send(frame)
            assert heard_until(server, b"the end") == set()

        assert two.endpoint.mac_address not in one.netns.run("ip", "neighbour")

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
