"""A host that learns its addresses and its router from advertisements goes on doing so."""

import json
import socket
import struct
from ipaddress import IPv6Address

import pytest

from tests.kernel.netns import wait_until
from tests.kernel.site import Site

DUAL = ("10.1.0.0/24", "fd00:1::/64")
PREFIX = IPv6Address("fd00:77::")
ALL_NODES = "ff02::1"


def advertise(site: Site) -> None:
    """Say, as a router outside, which prefix is on the wire (RFC 4861 sections 4.2 and 4.6.2)."""
    router = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 3600, 3600, 0) + PREFIX.packed
    with site.outside.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        index = site.outside.index_of("eth0")
        sock.sendto(router + prefix, (ALL_NODES, 0, 0, index))


def learnt(site: Site) -> bool:
    routes = json.loads(site.host.run("ip", "-json", "-6", "route", "show", "default"))
    return any(each.get("protocol") == "ra" for each in routes)


def accept_ra(site: Site) -> str:
    return site.host.run("sysctl", "-n", "net.ipv6.conf.up0.accept_ra").strip()


@pytest.fixture
def advertised(site: Site) -> Site:
    """A host that is no router, with a default route that a router has advertised."""
    site.host.sysctl("net/ipv6/conf/all/forwarding", 0)
    advertise(site)
    wait_until(lambda: learnt(site), "it learns nothing")
    return site


def test_the_router_is_kept_and_listened_to(advertised: Site) -> None:
    """Forwarding is switched on for a container with IPv6, and would make it forget."""
    advertised.container(advertised.network("blue", *DUAL))

    assert learnt(advertised)
    assert accept_ra(advertised) == "2"
    advertised.host.run("ip", "-6", "route", "delete", "default", "proto", "ra")
    advertise(advertised)
    wait_until(lambda: learnt(advertised), "it does not listen any more")


def test_a_network_of_ipv4_changes_nothing(advertised: Site) -> None:
    """Nothing of IPv6 is forwarded for it."""
    advertised.container(advertised.network("blue", DUAL[0]))

    assert accept_ra(advertised) == "1"


def test_who_was_told_nothing_is_not_made_to_listen(site: Site) -> None:
    """Its addresses were set by hand, or by a program."""
    site.container(site.network("blue", *DUAL))

    assert accept_ra(site) == "1"
