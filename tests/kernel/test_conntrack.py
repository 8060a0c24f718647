"""Clients of a UDP port start anew when it is published and when it is withdrawn."""

import os
import socket
import threading
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

import pytest

from plugin.kernel.netlink import conntrack
from plugin.kernel.netlink.messages import dump
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.netns import Netns, wait_until
from tests.kernel.site import HOST4, HOST6, OUTSIDE4, Site
from tests.kernel.tracked import TRACKING, a_port, entries

pytestmark = pytest.mark.kernels

UDP = Protocol.UDP
DUAL = ("10.1.0.0/24", "fd00:1::/64")
PORT = 7000
ANY = ("0.0.0.0", "::")
DELETES_BY_FILTERS = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 8)

TRANSLATION = """table ip n { chain c { type nat hook output priority -100;
    udp dport 8080 dnat to 10.7.0.2:80; }; }"""


class TestForget:
    @pytest.fixture(autouse=True)
    def connections(self, netns: Netns) -> None:
        """Datagrams to three ports by both families, and a TCP connection to one of them."""
        netns.run("nft", TRACKING)
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                for port in (53, 54, 5353):
                    sock.sendto(b"?", (address, port))
        with socket.create_server(("127.0.0.1", 53)) as server:
            socket.create_connection(("127.0.0.1", 53)).close()
            server.accept()[0].close()

    def test_those_of_one_port_and_family_go(self) -> None:
        """Connections of other ports go on."""
        before = entries()
        conntrack.Connections().forget([a_port(53)])

        assert before - entries() == {("udp", "ipv4", "53")}

    def test_of_both_families(self) -> None:
        """A port that is published on any address."""
        before = entries()
        conntrack.Connections().forget([a_port(53), a_port(53, "::")])

        assert before - entries() == {("udp", "ipv4", "53"), ("udp", "ipv6", "53")}

    def test_tcp_ends_by_itself(self) -> None:
        """And those there are go on, as with Docker."""
        before = entries()
        conntrack.Connections().forget([a_port(53, protocol=Protocol.TCP)])

        assert entries() == before
        assert ("tcp", "ipv4", "53") in before

    def test_a_range_costs_no_more_looks_than_a_port(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The kernel walks its whole table for each, and a range may have ten thousand ports."""
        looks = []

        def counted(*asked: Any) -> Iterable[bytes]:
            looks.append(asked)
            return dump(*asked)

        monkeypatch.setattr(conntrack, "dump", counted)
        conntrack.Connections().forget(
            [a_port(port, any_) for port in range(50, 350) for any_ in ANY]
        )

        assert ("udp", "ipv4", "53") not in entries()
        assert ("udp", "ipv6", "54") not in entries()
        assert ("udp", "ipv4", "5353") in entries()
        assert len(looks) == 1

    def test_many_connections_are_filtered_by_the_kernel(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where telling all of them would cost more than a look for each family."""
        monkeypatch.setattr(conntrack, "_FEW", 0)
        before = entries()
        conntrack.Connections().forget([a_port(port, "::") for port in range(50, 350)])
        conntrack.Connections().forget([a_port(5353)])

        gone = {("udp", "ipv6", "53"), ("udp", "ipv6", "54"), ("udp", "ipv4", "5353")}
        assert before - entries() == gone

    @pytest.mark.skipif(not DELETES_BY_FILTERS, reason="since Linux 6.8")
    def test_a_few_ports_need_no_look(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The kernel deletes by their filters; of one address by two."""
        monkeypatch.setattr(conntrack, "dump", None)
        before = entries()
        conntrack.Connections().forget([a_port(port, any_) for port in (53, 54) for any_ in ANY])
        conntrack.Connections().forget_addresses([ip_address("127.0.0.9")])

        gone = {("udp", family, port) for family in ("ipv4", "ipv6") for port in ("53", "54")}
        assert before - entries() == gone

    def test_nobody_waits_for_the_look_of_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a host with many connections, where many ports are published at once."""
        begun, ended = threading.Event(), threading.Event()
        delete = conntrack._delete_wanted  # noqa: SLF001

        def slow(*asked: Any) -> None:
            if threading.current_thread() is thread:
                begun.set()
                ended.wait(60)
            delete(*asked)

        monkeypatch.setattr(conntrack, "_delete_wanted", slow)
        before = entries()
        connections = conntrack.Connections()
        thread = threading.Thread(target=connections.forget, args=([a_port(54)],))
        thread.start()
        assert begun.wait(60)
        connections.forget([a_port(53)])
        meanwhile = before - entries()
        ended.set()
        thread.join(60)

        assert meanwhile == {("udp", "ipv4", "53")}
        assert before - entries() == {("udp", "ipv4", "53"), ("udp", "ipv4", "54")}

    def test_a_port_without_connections(self) -> None:
        """Most have none."""
        before = entries()
        conntrack.Connections().forget([a_port(9)])

        assert entries() == before


class TestAddresses:
    """Connections of a container that is gone, whichever end began them and whatever they spoke."""

    @pytest.fixture(
        autouse=True, params=[(8, 5000), (0, 5000), (0, 0)], ids=["deleted", "told", "filtered"]
    )
    def way(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        filters, few = request.param
        monkeypatch.setattr(conntrack, "_FILTERS", filters)
        monkeypatch.setattr(conntrack, "_FEW", few)

    @pytest.fixture
    def tracked(self, netns: Netns) -> None:
        """To, from and past 10.7.0.2; what it answers is translated by the port 8080."""
        netns.run("nft", TRACKING)
        netns.run("nft", TRANSLATION)
        netns.ip(*(f"address add 10.7.0.{number}/32 dev lo" for number in (1, 2, 3)))
        netns.ip("address add fd00:7::2/128 dev lo nodad")
        for source, target in (
            (("10.7.0.1", 1), ("10.7.0.2", 53)),
            (("10.7.0.2", 2), ("10.7.0.3", 54)),
            (("10.7.0.1", 3), ("10.7.0.3", 55)),
            (("10.7.0.1", 4), ("10.7.0.1", 8080)),
        ):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(source)
                sock.sendto(b"?", target)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            asked = ("fd00:7::2", 56)  # a new address takes its time to be one of the host's
            wait_until(lambda: sock.sendto(b"?", asked) and ("udp", "ipv6", "56") in entries(), "?")
        with socket.create_server(("10.7.0.2", 57)) as server:
            socket.create_connection(("10.7.0.2", 57)).close()
            server.accept()[0].close()

    @pytest.mark.usefixtures("tracked")
    def test_of_every_protocol_and_both_directions(self) -> None:
        """And of no other address."""
        before = entries()
        conntrack.Connections().forget_addresses([ip_address("10.7.0.2"), ip_address("fd00:7::2")])

        gone = {("udp", "ipv4", port) for port in ("53", "54", "8080")}
        gone |= {("udp", "ipv6", "56"), ("tcp", "ipv4", "57")}
        assert {each for each in before if each[0] != "icmp"} >= gone
        assert ("udp", "ipv4", "55") in entries()
        assert not gone & entries()

    @pytest.mark.usefixtures("tracked")
    def test_a_stranger_keeps_his(self) -> None:
        """One number more."""
        before = entries()
        conntrack.Connections().forget_addresses([ip_address("10.7.0.22"), ip_address("fd00:7::3")])

        assert entries() == before


class TestClients:
    """A client that never stops to send, from one port of its own."""

    @pytest.fixture
    def client(self, site: Site) -> socket.socket:
        sock = site.outside.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((OUTSIDE4, 40000))
        sock.settimeout(1)
        return sock

    def ask(self, client: socket.socket, server: socket.socket) -> bool:
        client.sendto(b"?", (HOST4, 8080))
        try:
            return server.recv(16) == b"?"
        except TimeoutError:
            return False

    def server(self, netns: Netns) -> socket.socket:
        sock = netns.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("0.0.0.0", PORT))
        return sock

    def test_one_that_came_before_the_container_reaches_it(
        self, site: Site, client: socket.socket
    ) -> None:
        """Its connection was to the host itself until then."""
        blue = site.network("blue", *DUAL)
        client.sendto(b"too early", (HOST4, 8080))
        one = site.container(blue, 2, [a_binding(PORT, protocol=UDP)])

        with client, self.server(one.netns) as server:
            assert self.ask(client, server)

    def test_one_that_knew_another_container_reaches_the_next(
        self, site: Site, client: socket.socket
    ) -> None:
        """The port went from one to the other."""
        blue = site.network("blue", *DUAL)
        first = site.container(blue, 2, [a_binding(PORT, protocol=UDP)])
        with client, self.server(first.netns) as server:
            known = self.ask(client, server)
            site.stop(first)
            second = site.container(blue, 3, [a_binding(PORT, protocol=UDP)])
            with self.server(second.netns) as next_server:
                assert known
                assert self.ask(client, next_server)

    def test_a_withdrawn_port_is_closed_to_those_who_knew_it(
        self, site: Site, client: socket.socket
    ) -> None:
        """The container may still be there."""
        one = site.container(site.network("blue", *DUAL), 2, [a_binding(PORT, protocol=UDP)])
        with client, self.server(one.netns) as server:
            known = self.ask(client, server)
            site.endpoints.revoke(one.network.id, one.endpoint.id)
            server.settimeout(0.3)

            assert known
            assert not self.ask(client, server)


def test_ipv6_clients_start_anew_too(site: Site) -> None:
    """By their own family's table; the proxy would hear them in any case."""
    blue = site.network("blue", *DUAL, options={"userland_proxy": "false"})
    with site.outside.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.sendto(b"too early", (HOST6, 8080))
        wait_until(lambda: ("udp", "ipv6", "8080") in entries(), "it is not on its way")
        one = site.container(blue, 2, [a_binding(PORT, protocol=UDP)])
        with one.netns.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
            server.bind(("::", PORT))
            client.sendto(b"?", (HOST6, 8080))

            assert server.recv(16) == b"?"


def test_a_range_of_ports(site: Site) -> None:
    """Every port of it leads to its own, and none is held any more when the container is gone."""
    blue = site.network("blue", "10.1.0.0/24")
    numbers = range(20000, 20400)
    wishes = [a_binding(number, number, protocol=UDP) for number in numbers]
    one = site.container(blue, 2, wishes)
    with site.outside.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for number in (numbers[0], numbers[-1]):
            with one.netns.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                server.settimeout(60)
                server.bind(("0.0.0.0", number))
                client.sendto(b"%d" % number, (HOST4, number))

                assert server.recv(16) == b"%d" % number
    site.stop(one)

    assert not site.kernel.read([a_port(number, any_) for number in numbers for any_ in ANY])
