"""Published ports: from everywhere they should answer, and nowhere else."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.lab.clients import http_get, reaches, udp_ask
from tests.lab.commands import CommandError
from tests.lab.namespace import Peer, ip
from tests.lab.netns import inside
from tests.lab.servers import serve_address, serve_udp_echo
from tests.lab.site import WEB, Site
from tests.lab.traces import elements


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_answers_from_everywhere(site: Site, peer: Peer, *, ipam: bool) -> None:
    """A port published on any address answers other machines, the host and other containers."""
    network = site.network(ipam=ipam)
    web = site.web("--network", network, "-p", "8080:80")
    neighbour = site.run("--network", network)
    stranger = site.run("--network", site.network())
    host = site.host

    assert http_get(peer.netns, host.address, 8080) == web
    assert http_get(host.netns, host.address, 8080) == web
    assert http_get(host.netns, "127.0.0.1", 8080) == web
    assert http_get(site.netns(stranger), host.address, 8080) == web
    assert http_get(site.netns(neighbour), host.address, 8080) == web
    assert http_get(site.netns(web), host.address, 8080) == web


def test_server_sees_the_client(site: Site, peer: Peer) -> None:
    """The container sees the address of the machine that asks, not the host's."""
    server = site.run("--network", site.network(), "-p", "8080:80")

    with serve_address(site.netns(server), 80):
        said = http_get(peer.netns, site.host.address, 8080)

    assert said == str(peer.address)


def test_one_host_address(site: Site, peer: Peer) -> None:
    """A port published on one address of the host answers on that one only."""
    second = site.host.address + 100  # the peer remembers who had it
    ip(site.host.netns, f"address add {second}/24 dev eth0")
    try:
        web = site.web("--network", site.network(), "-p", f"{second}:8080:80")

        assert http_get(peer.netns, second, 8080) == web
        assert not reaches(peer.netns, site.host.address, 8080)
        assert not reaches(site.host.netns, "127.0.0.1", 8080)
    finally:
        ip(site.host.netns, f"address delete {second}/24 dev eth0")


def test_loopback_only(site: Site, peer: Peer) -> None:
    """A port published on 127.0.0.1 answers the host and nobody else."""
    web = site.web("--network", site.network(), "-p", "127.0.0.1:8080:80")

    assert http_get(site.host.netns, "127.0.0.1", 8080) == web
    assert not reaches(peer.netns, site.host.address, 8080)


def test_udp(site: Site, peer: Peer) -> None:
    """UDP is published too, beside TCP on the same number."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80", "-p", "8080:5353/udp")
    with serve_udp_echo(site.netns(web), 5353):
        assert udp_ask(peer.netns, site.host.address, 8080, b"hello") == b"hello"
        assert udp_ask(site.host.netns, "127.0.0.1", 8080, b"hello") == b"hello"
    assert http_get(peer.netns, site.host.address, 8080) == web


def test_ephemeral(site: Site, peer: Peer) -> None:
    """Without a host port some free one is taken, from the kernel's range."""
    web = site.web("--network", site.network(), "-p", "80")

    port = _published(site)[0]

    assert 32768 <= port <= 60999
    assert http_get(peer.netns, site.host.address, port) == web


def test_range(site: Site, peer: Peer) -> None:
    """A range of host ports gives the first free one; a range to a range gives each."""
    network = site.network()
    first = site.web("--network", network, "-p", "8100-8101:80")
    second = site.web("--network", network, "-p", "8100-8101:80")

    names = {http_get(peer.netns, site.host.address, port) for port in (8100, 8101)}

    assert names == {first, second}
    site.run("--network", network, "-p", "8200-8204:8200-8204")
    assert set(range(8200, 8205)) <= set(_published(site))


@pytest.mark.nightly
def test_ten_thousand_ports(site: Site, peer: Peer) -> None:
    """In one container, by UDP, on one family: neither it nor its neighbours wait for long."""
    network = site.network()
    started = time.monotonic()
    big = site.run("--network", network, "-p", "0.0.0.0:20000-29999:20000-29999/udp")
    published = time.monotonic()
    with serve_udp_echo(site.netns(big), 29999):
        assert udp_ask(peer.netns, site.host.address, 29999, b"hello") == b"hello"
    again = time.monotonic()
    site.remove(big)
    print(f"run {published - started:.1f} s, rm {time.monotonic() - again:.1f} s")

    assert _can_listen(site, 20000)


def test_neighbours_of_a_range(site: Site) -> None:
    """Containers of the same network and of another start beside one that publishes many ports."""
    network, other = site.network(), site.network()
    with ThreadPoolExecutor() as pool:
        big = pool.submit(site.run, "--network", network, "-p", "20000-20599:20000-20599/udp")
        beside = [pool.submit(site.run, "--network", each) for each in (network, other)]

        assert all(each.result() for each in (big, *beside))


def test_privileged_port(site: Site, peer: Peer) -> None:
    """Ports below 1024 can be published."""
    web = site.web("--network", site.network(), "-p", "80:80")

    assert http_get(peer.netns, site.host.address, 80) == web


def test_conflict_between_containers(site: Site, peer: Peer) -> None:
    """A port that another container has is refused in Docker's words; the other keeps it."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")

    with pytest.raises(
        CommandError, match=r"Bind for 0\.0\.0\.0:8080 failed: port is already allocated"
    ):
        site.run("--network", network, "-p", "8080:80", command=WEB)

    assert http_get(peer.netns, site.host.address, 8080) == web


def test_conflict_with_a_program(site: Site) -> None:
    """A port that a program on the host listens on is refused; what came before is undone."""
    with inside(site.host.netns):
        listener = socket.create_server(("0.0.0.0", 8081))
    with listener, pytest.raises(CommandError, match="port is already allocated"):
        site.run("--network", site.network(), "-p", "8080:80", "-p", "8081:80", command=WEB)

    assert _can_listen(site, 8080)
    assert _can_listen(site, 8081)


def test_port_is_free_again(site: Site, peer: Peer) -> None:
    """A port is held while its container runs, and free when it is stopped or removed."""
    network = site.network()
    web = site.web("--network", network, "-p", "8080:80")
    assert not _can_listen(site, 8080)

    site.docker("stop", "-t", "0", web)
    assert _can_listen(site, 8080)
    site.docker("start", web)
    assert not _can_listen(site, 8080)
    site.remove(web)
    assert _can_listen(site, 8080)
    again = site.web("--network", network, "-p", "8080:80")
    assert http_get(peer.netns, site.host.address, 8080) == again


def test_ipv6(site: Site, peer: Peer) -> None:
    """On a dual-stack network a port is published for both families."""
    network = site.network("--ipv6", "--subnet=10.50.0.0/24", "--subnet=fd00:50::/64")
    web = site.web("--network", network, "-p", "8080:80")

    assert http_get(peer.netns, site.host.address, 8080) == web
    assert http_get(peer.netns, site.host.address6, 8080) == web


def test_port_follows_the_gateway(site: Site, peer: Peer) -> None:
    """With two networks the port answers, whichever of them has the default route."""
    first, second = site.network(), site.network()
    web = site.web("--network", first, "-p", "8080:80")

    site.docker("network", "connect", second, web)
    assert http_get(peer.netns, site.host.address, 8080) == web
    site.docker("network", "disconnect", first, web)
    assert http_get(peer.netns, site.host.address, 8080) == web


def _published(site: Site) -> list[int]:
    """Return the host ports that pynet translates, of all networks."""
    ports = []
    for line in elements(site.host.netns):
        if line.startswith("nft map pn_ports4"):
            key = json.loads(line.partition(": ")[2])[0]
            ports.append(int(key["concat"][1]))
    return sorted(ports)


def _can_listen(site: Site, port: int) -> bool:
    try:
        with inside(site.host.netns):
            socket.create_server(("0.0.0.0", port)).close()
    except OSError:
        return False
    return True
