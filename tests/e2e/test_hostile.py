"""What a container cannot do to the host and to others, with frames of its own making."""

import socket
from contextlib import closing, suppress
from pathlib import Path

from tests.kernel import frames
from tests.kernel.frames import IP4, IP6, Ether
from tests.lab.clients import reaches
from tests.lab.namespace import Peer, ip_json
from tests.lab.netns import inside
from tests.lab.site import Site

PORT, HOST_PORT = 7070, 8070
GROUPS = tuple(f"01:80:c2:00:00:0{last:x}" for last in range(16))
WORD = b"of a container that is gone"


def test_frames_of_ones_own(site: Site) -> None:
    """Neither the host's services nor neighbours are reached, by whichever address of a frame."""
    subnets = ("--subnet=10.50.0.0/24", "--ipv6", "--subnet=fd00:50::/64")
    network = site.network(*subnets, "-o", "icc=false", "-o", "host_services=deny")
    speaker, neighbour = (site.run("--network", network) for _ in range(2))
    own, theirs = str(site.address(speaker, network)), str(site.address(neighbour, network))
    own6, theirs6 = str(site.address6(speaker, network)), str(site.address6(neighbour, network))
    site.exec(speaker, "ping", "-c", "1", "-W", "5", "10.50.0.1")
    mac, gateway = _mac(site, speaker), _neighbour(site, speaker, "10.50.0.1")
    host = str(site.host.address)
    packets = [
        (IP4, frames.udp4(source, target, (PORT, PORT)))
        for source in (own, "192.0.2.9")
        for target in (host, "10.50.0.1", "127.0.0.1", theirs)
    ]
    packets += [(IP6, frames.udp6(own6, each, (PORT, PORT))) for each in ("fd00:50::1", theirs6)]

    with (
        closing(_packets(site.netns(speaker))) as mouth,
        closing(_listener(site.host.netns)) as on_host,
        closing(_listener(site.netns(neighbour))) as beside,
    ):
        for kind, packet in packets:
            for target in (*GROUPS, gateway, _mac(site, neighbour), frames.BROADCAST):
                mouth.send(Ether(source=mac, target=target).frame(kind, packet))
        assert site.pings(speaker, "10.50.0.1")  # the last that was to be heard

        assert (_heard(on_host), _heard(beside)) == ([], [])

    site.installed.reconcile()
    # Nothing was dropped of what the neighbour, or the engine in its name, said to find its way.
    (told,) = (hint for hint in site.installed.ask("/health")["hints"] if "frames" in hint)
    assert f"container with {own}" in told


def test_an_address_that_comes_back(site: Site, peer: Peer) -> None:
    """The next container with a removed one's address hears nothing of its connections."""
    network = site.network("--subnet=10.50.0.0/24", ipam=False)
    options = ("--network", network, "--ip", "10.50.0.9")
    old = site.run(*options, "-p", f"{HOST_PORT}:{PORT}")
    with inside(site.netns(old)):
        server = socket.create_server(("0.0.0.0", PORT))
    with inside(peer.netns):
        client = socket.create_connection((str(site.host.address), HOST_PORT), 60)
    with server, client, closing(_listener(peer.netns)) as outside:
        with closing(_listener(site.netns(old))) as asker:
            asker.sendto(WORD, (f"::ffff:{peer.address}", PORT))
        outside.settimeout(60)
        _, asked_by = outside.recvfrom(2048)
        site.remove(old)
        new = site.run(*options)

        with closing(_packets(site.netns(new))) as ear:
            ear.bind(("eth0", frames.ALL_PROTOCOLS))
            client.send(WORD)
            outside.sendto(WORD, asked_by)
            assert not reaches(site.host.netns, "10.50.0.9", 9)  # the last there is to hear
            heard = _until_refusal(ear)

    assert not any(WORD in frame for frame in heard)


def _until_refusal(ear: socket.socket) -> list[bytes]:
    """All frames, the last of them TCP (RFC 791)."""
    heard = [ear.recv(2048)]
    while heard[-1][12:14] != b"\x08\x00" or heard[-1][23] != socket.IPPROTO_TCP:
        heard.append(ear.recv(2048))
    return heard


def _packets(netns: Path) -> socket.socket:
    """A mouth, or an ear, for whole frames."""
    with inside(netns):
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    made.bind(("eth0", 0))
    made.settimeout(60)
    return made


def _listener(netns: Path) -> socket.socket:
    """Hears datagrams of both families."""
    with inside(netns):
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(("::", PORT))
    return made


def _heard(listener: socket.socket) -> list[bytes]:
    """What has come by now."""
    listener.settimeout(0)
    heard = []
    with suppress(BlockingIOError):
        while True:
            heard.append(listener.recv(2048))
    return heard


def _mac(site: Site, container: str) -> str:
    return site.exec(container, "cat", "/sys/class/net/eth0/address")


def _neighbour(site: Site, container: str, address: str) -> str:
    """The hardware address that a container has for an address."""
    found = ip_json(site.netns(container), "neigh", "show", "to", address)
    return str(found[0]["lladdr"])
