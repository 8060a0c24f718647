"""Encrypted networks: what is on the wire between hosts, and who is in between.

This kernel may have no WireGuard: then ``wireguard-go`` has the links, which the machine's package
list names.  Control sockets are in one directory of the machine, by names of links: the UDP port is
one of this process.
"""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from plugin.model.network import IPAddress
from plugin.model.tunnels import inner_address
from tests.kernel.datagrams import PORT, VXLAN, ear, encapsulated, heard_until, inner, send
from tests.kernel.encrypting import (
    HERE,
    LINK,
    THERE,
    VNI,
    WIREGUARD,
    encrypted,
    encrypting_hosts,
    heal,
    runs,
)
from tests.kernel.netns import wait_until
from tests.kernel.site import Container
from tests.kernel.spanning import HOSTS4, HOSTS6, Spanning, reaches

SECRET: Final = "another secret that is long enough"
ETH_P_ALL: Final = 0x0003  # linux/if_ether.h
IP_MTU_DISCOVER: Final = 10  # linux/in.h
IP_PMTUDISC_PROBE: Final = 3
# With udev every user may open the device: ioctl TUNSETIFF with IFF_TUN (linux/if_tun.h) decides.
INTRUDER: Final = """
import fcntl, os, struct, sys
tun = os.open("/dev/net/tun", os.O_RDWR)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
try:
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", sys.argv[1].encode(), 1))
except OSError:
    print("refused")
"""


@pytest.fixture(scope="module")
def hosts() -> Iterator[Spanning]:
    with encrypting_hosts() as hosts:
        yield hosts


@pytest.fixture(scope="module")
def pair(hosts: Spanning) -> list[Container]:
    """A container on each of two hosts."""
    blue = encrypted(hosts, "blue", "10.31.0.0/24", "fd00:31::/64", vni=str(VNI))
    return [hosts.container(blue, host, 10 + host) for host in range(2)]


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


@pytest.mark.kernels
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
        """Whichever process asks it to."""
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


def test_another_user_cannot_take_the_place_of_its_process(
    hosts: Spanning, pair: list[Container]
) -> None:
    """That user would read what containers send, and send to them as another host."""
    Path(f"/var/run/wireguard/{LINK}.sock").unlink()
    wait_until(lambda: not runs(LINK), "the process goes on")

    assert hosts.sites[0].host.run(sys.executable, "-c", INTRUDER, LINK) == "refused\n"
    heal(hosts)
    assert reaches(*pair) == [True, True]
