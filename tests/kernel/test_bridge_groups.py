"""Frames to the addresses that a bridge keeps for itself (01:80:C2:00:00:0X) are as any others.

A bridge would give them to the host as received by the port, and learn their source: past all that
guards ports, bridges and the host.
"""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import pytest

from plugin.model.ids import port_name
from tests.kernel import frames
from tests.kernel.frames import ARP, IP4, IP6, Ether
from tests.kernel.netns import Netns, wait_until
from tests.kernel.site import HOST4, HOST6, Container, Site

DUAL: Final = ("10.1.0.0/24", "fd00:1::/64")
GROUPS: Final = [f"01:80:c2:00:00:{last:02x}" for last in range(16)]
OWN_MAC, NEIGHBOUR_MAC = "02:00:00:00:00:02", "02:00:00:00:00:03"
LINK6: Final = "fe80::ff:fe00:2"
PORTS: Final = (7, 7777)


@contextmanager
def speaker(container: Container) -> Iterator[Callable[[bytes], object]]:
    with container.netns.socket(socket.AF_PACKET, socket.SOCK_RAW) as mouth:
        mouth.bind(("eth0", 0))
        yield mouth.send


def places(site: Site) -> list[dict[str, str]]:
    """Networks' options: a bridge of pynet's own, one of the user's that does spanning tree."""
    site.host.ip("link add br7 type bridge stp_state 1 forward_delay 0", "link set br7 up")
    return [{}, {"bridge_name": "br7"}, {"rate_from": "1gbit"}]


def pings(netns: Netns) -> bool:
    try:
        return bool(netns.run("ping", "-c1", "-W1", "10.1.0.1"))
    except AssertionError:
        return False


def heard(sock: socket.socket, control: Callable[[], object]) -> list[bytes]:
    """What came before the word that ``control`` has sent."""
    control()
    found = []
    while (word := sock.recv(64)) != b"control":
        found.append(word)
    return found


@pytest.mark.parametrize("place", range(3), ids=["own", "adopted", "slow"])
def test_nothing_reaches_the_host_by_them(site: Site, place: int) -> None:
    """Neither as another, nor where the host is closed; and nobody's MAC address is stolen."""
    options = {"host_services": "deny", **places(site)[place]}
    network = site.network("blue", *DUAL, options=options)
    container, neighbour = site.container(network, 2), site.container(network, 3)
    for honest in (container, neighbour):  # spanning tree takes its time
        wait_until(partial(pings, honest.netns), "the bridge forwards nothing")
    before = learnt(site, neighbour)
    router = frames.icmp6(LINK6, "ff02::1", 134, struct.pack("!BBHII", 64, 8, 1800, 0, 0))
    with (
        speaker(container) as send,
        site.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as four,
        site.host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six,
        site.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as own4,
        site.host.socket(socket.AF_INET6, socket.SOCK_DGRAM) as own6,
    ):
        four.bind((HOST4, PORTS[1]))
        six.bind((HOST6, PORTS[1]))
        for group in GROUPS:
            for source in (OWN_MAC, NEIGHBOUR_MAC):
                frame = Ether(source=source, target=group).frame
                send(frame(0x88CC, bytes(50)))
                send(frame(IP6, router))
                for address in ("10.1.0.2", "10.1.0.3", "8.8.8.8"):
                    send(frame(IP4, frames.udp4(address, HOST4, PORTS)))
                    send(frame(ARP, frames.arp(operation=1, mac=source, ip=address, target=HOST4)))
                for address in ("fd00:1::2", "fd00:1::3", "2001:db8::1"):
                    send(frame(IP6, frames.udp6(address, HOST6, PORTS)))
        words4 = heard(four, lambda: own4.sendto(b"control", (HOST4, PORTS[1])))
        words6 = heard(six, lambda: own6.sendto(b"control", (HOST6, PORTS[1])))

    assert (words4, words6) == ([], [])
    assert learnt(site, neighbour) == before
    assert "proto ra" not in site.host.run("ip", "-6", "route", "show", "default")
    assert port_name(container.endpoint.id) not in site.host.run("ip", "neighbour", "show")


def test_a_port_is_closed_also_without_its_bridge(site: Site) -> None:
    """A user who deletes a bridge leaves the containers' links behind."""
    options = places(site)[1]
    container = site.container(site.network("blue", *DUAL, options=options), 2)
    site.host.ip("link delete br7")
    frame = Ether(source=OWN_MAC, target=site.host.mac_of(port_name(container.endpoint.id))).frame
    with (
        speaker(container) as send,
        site.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        site.host.socket(socket.AF_INET, socket.SOCK_DGRAM) as own,
    ):
        sock.bind((HOST4, PORTS[1]))
        send(frame(IP4, frames.udp4("8.8.8.8", HOST4, PORTS)))

        assert heard(sock, lambda: own.sendto(b"control", (HOST4, PORTS[1]))) == []


def test_what_was_made_before_is_set_right(site: Site) -> None:
    """A port that an earlier pynet made without it, or one that another program changed."""
    container = site.container(site.network("blue", *DUAL), 2)
    port = port_name(container.endpoint.id)
    site.host.ip(f"link set {port} type bridge_slave group_fwd_mask 0")
    site.healer.heal()

    (link,) = json.loads(site.host.run("ip", "-json", "-details", "link", "show", port))
    assert link["linkinfo"]["info_slave_data"]["group_fwd_mask"] == "0xfffd"


def test_no_setting_of_ours_has_the_host_believe_a_container(site: Site) -> None:
    """An address that came by a port, before the port was guarded, makes no router of it."""
    container = site.container(site.network("blue", DUAL[0]), 2)
    port = port_name(container.endpoint.id)
    site.host.sysctl("net/ipv6/conf/all/forwarding", 0)
    site.host.ip(f"address add fd00:77::1/64 dev {port} valid_lft 3600 preferred_lft 3600")
    site.container(site.network("red", "10.2.0.0/24", "fd00:2::/64"), 3)

    assert site.host.run("sysctl", "-n", f"net.ipv6.conf.{port}.accept_ra").strip() == "1"


def learnt(site: Site, container: Container) -> set[str]:
    """By which ports the container's MAC address is reached."""
    wait_until(lambda: _ports(site, container), "it was never heard")
    return _ports(site, container)


def _ports(site: Site, container: Container) -> set[str]:
    rows = json.loads(site.host.run("bridge", "-json", "fdb", "show"))
    return {
        row["ifname"]
        for row in rows
        if row["mac"] == container.endpoint.mac_address and "permanent" not in row.get("state", "")
    }
