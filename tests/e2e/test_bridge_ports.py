"""Published ports of bridge networks: every way there, every protocol, and who has them next."""

import socket

import pytest

from tests.e2e.asking import NOBODY, Question, surprises
from tests.lab.clients import http_get, reaches
from tests.lab.commands import CommandError, wait_until
from tests.lab.namespace import Peer
from tests.lab.netns import inside
from tests.lab.servers import serve_udp_echo
from tests.lab.site import WEB, Site

DUAL = ("--ipv6", "--subnet=10.50.0.0/24", "--subnet=fd00:50::/64")


@pytest.mark.parametrize("ipv6", [True, False], ids=["dual-stack", "ipv4-only"])
def test_every_origin(site: Site, peer: Peer, *, ipv6: bool) -> None:
    """A port answers wherever it is asked from, by [::1] even if the container has no IPv6."""
    network = site.network(*(DUAL if ipv6 else ("--subnet=10.50.0.0/24",)))
    web = site.web("--network", network, "-p", "8080:80")
    origins = {
        "peer": peer.netns,
        "host": site.host.netns,
        "itself": site.netns(web),
        "neighbour": site.netns(site.run("--network", network)),
        "docker0": site.netns(site.run()),
        "another network": site.netns(
            site.run("--network", site.network("--ipv6", "--subnet=fd00:51::/64"))
        ),
    }
    has_ipv6 = {"peer", "host", "another network"}
    if ipv6:
        has_ipv6 |= {"itself", "neighbour"}
    questions: dict[str, Question] = {
        f"{origin}, IPv4": (netns, site.host.address, 8080, web)
        for origin, netns in origins.items()
    }
    questions |= {
        f"{origin}, IPv6": (origins[origin], site.host.address6, 8080, web) for origin in has_ipv6
    }
    questions |= {
        f"host, {address}": (site.host.netns, address, 8080, web)
        for address in ("127.0.0.1", "::1")
    }

    assert surprises(questions) == {}


def test_without_a_proxy(site: Site) -> None:
    """userland_proxy=false leaves [::1] unanswered, and nothing else."""
    network = site.network("-o", "userland_proxy=false")
    web = site.web("--network", network, "-p", "8080:80")

    found = surprises(
        {
            "[::1]": (site.host.netns, "::1", 8080, NOBODY),
            "127.0.0.1": (site.host.netns, "127.0.0.1", 8080, web),
        }
    )

    assert found == {}


@pytest.mark.parametrize("way", ["port", "option"])
def test_loopback_only(site: Site, peer: Peer, way: str) -> None:
    """A port bound to 127.0.0.1, by -p or for the whole network, is the host's alone."""
    if way == "port":
        network, port = site.network(*DUAL), "127.0.0.1:8080:80"
    else:
        bound = "com.docker.network.bridge.host_binding_ipv4=127.0.0.1"
        network, port = site.network(*DUAL, "-o", bound), "8080:80"
    web = site.web("--network", network, "-p", port)
    other = site.netns(site.run("--network", site.network()))

    found = surprises(
        {
            "the host": (site.host.netns, "127.0.0.1", 8080, web),
            "the host by its address": (site.host.netns, site.host.address, 8080, NOBODY),
            "another machine": (peer.netns, site.host.address, 8080, NOBODY),
            "another machine, IPv6": (peer.netns, site.host.address6, 8080, NOBODY),
            "another network": (other, site.host.address, 8080, NOBODY),
        }
    )

    assert found == {}


def test_several_ports_for_one(site: Site, peer: Peer) -> None:
    """A container port on several host ports answers on each of them; a range, on all of it."""
    web = site.web(
        *("--network", site.network(*DUAL), "-p", "8080:80", "-p", "8081:80"),
        *("-p", f"{site.host.address}:8082:80", "-p", "8090-8092:80-82"),
    )
    questions: dict[str, Question] = {
        f"{port}": (peer.netns, site.host.address, port, web) for port in (8080, 8081, 8082, 8090)
    }
    # It was published on an address of IPv4.
    questions["8082, IPv6"] = (peer.netns, site.host.address6, 8082, NOBODY)

    assert surprises(questions) == {}
    assert {8090, 8091, 8092} <= {port for _, _, port in _published(site)}


def test_ephemeral(site: Site, peer: Peer) -> None:
    """A port that the user did not choose is the same for both families, from the kernel's range."""
    web = site.web("--network", site.network(*DUAL), "-p", "80", "-p", "80/udp")
    published = _published(site)
    low, high = map(int, site.host.run("sysctl", "-n", "net.ipv4.ip_local_port_range").split())

    for protocol in ("tcp", "udp"):
        ports = [(host, port) for kind, host, port in published if kind == protocol]
        assert len(ports) == 2, published
        assert len({port for _, port in ports}) == 1, published
        assert low <= ports[0][1] <= high
    (port,) = {port for kind, _, port in published if kind == "tcp"}
    assert http_get(peer.netns, site.host.address, port) == web
    assert http_get(peer.netns, site.host.address6, port) == web


def test_conflict_is_undone(site: Site, peer: Peer) -> None:
    """One port of several that is taken fails the start in Docker's words; none is kept."""
    network = site.network(*DUAL)
    web = site.web("--network", network, "-p", "8085:80", "-p", "8086:80/udp")
    said = "Bind for {}:{} failed: port is already allocated"

    for taken in ("8085:80", "8086:80/udp", "8084-8085:80-81"):
        number = 8086 if "8086" in taken else 8085
        with pytest.raises(CommandError, match=said.format(r"0\.0\.0\.0", number)):
            site.run("--network", network, "-p", "8080:80", "-p", taken, command=WEB)
    with inside(site.host.netns), socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", 8087))
        other.listen()
        with pytest.raises(CommandError, match=said.format(r"(::|\[::\]|0\.0\.0\.0)", 8087)):
            site.run("--network", network, "-p", "8080:80", "-p", "8087:80", command=WEB)

    assert http_get(peer.netns, site.host.address, 8085) == web
    again = site.web("--network", network, "-p", "8080:80", "-p", "8084:80", "-p", "8087:80")
    assert http_get(peer.netns, site.host.address, 8080) == again


def test_a_client_that_keeps_sending(site: Site, peer: Peer) -> None:
    """UDP of a client that never stops reaches the next container that has the port."""
    network = site.network("--subnet=10.50.0.0/24")
    first = site.run("--network", network, "--ip", "10.50.0.11", "-p", "8080:5353/udp")
    with inside(peer.netns):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(0.1)
        client.connect((str(site.host.address), 8080))
        with serve_udp_echo(site.netns(first), 5353):
            wait_until(lambda: _answered(client, b"first"), "the first server's answer")
        site.remove(first)
        assert not _answered(client, b"nobody is there")
        second = site.run("--network", network, "--ip", "10.50.0.12", "-p", "8080:5353/udp")
        with serve_udp_echo(site.netns(second), 5353):
            wait_until(lambda: _answered(client, b"second"), "the second's answer", deadline=15)


def test_a_client_that_was_first(site: Site, peer: Peer) -> None:
    """So does that of a client that sent before the port was published at all."""
    network = site.network()
    with inside(peer.netns):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with client:
        client.settimeout(0.1)
        client.connect((str(site.host.address), 8080))
        assert not _answered(client, b"nobody is there")
        server = site.run("--network", network, "-p", "8080:5353/udp")
        with serve_udp_echo(site.netns(server), 5353):
            wait_until(lambda: _answered(client, b"at last"), "the answer", deadline=15)


def test_published_by_docker(dockers: str, site: Site, peer: Peer) -> None:
    """With publish=docker `docker ps` and `docker port` show the ports, and they answer."""
    network = site.network("-o", "publish=docker")
    web = site.web("--network", network, "-p", "8080:80")
    neighbour = site.run("--network", network)

    assert "0.0.0.0:8080->80/tcp" in site.docker("ps", "--format", "{{.Ports}}", f"-fname={web}$")
    assert "0.0.0.0:8080" in site.docker("port", web, "80/tcp")
    assert http_get(peer.netns, site.host.address, 8080) == web
    assert http_get(site.host.netns, "127.0.0.1", 8080) == web
    assert http_get(site.netns(neighbour), site.address(web, network), 80) == web
    assert site.succeeds(web, "wget", "-qO-", "http://peer.test/")
    assert not reaches(peer.netns, site.host.address, 8081)


def _answered(client: socket.socket, word: bytes) -> bool:
    """Say a word and tell whether it comes back."""
    try:
        client.send(word)
        return client.recv(64) == word
    except OSError:
        return False


def _published(site: Site) -> list[tuple[str, str, int]]:
    """Return protocol, host address and host port of all that is published."""
    ports = site.installed.ask("/v1/ports")
    return [(port["protocol"], port["host"], port["host_port"]) for port in ports]
