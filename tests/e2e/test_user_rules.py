"""Rules that people have next to Docker's decide about pynet's networks, too."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.clients import http_get, reaches
from tests.lab.namespace import Peer, ip
from tests.lab.servers import serve_address
from tests.lab.site import Site

SUBNET = "10.50.0.0/24"
HOST_PORT, ECHO_PORT, OTHER_PORT = 8080, 8081, 8082


def test_iptables(site: Site, peer: Peer) -> None:
    """Translated as the rules say, or not at all; sent elsewhere, and refused."""
    network = site.network(f"--subnet={SUBNET}")
    web = site.web("--network", network, "-p", f"{HOST_PORT}:80")
    own, host = site.address(web, network), site.host.address
    other = host + 100
    from_it = ("-s", SUBNET, "-d", str(peer.address))
    to_it = ("-p", "tcp", "-s", str(peer.address))
    published = ("--dport", str(HOST_PORT))
    ip(site.host.netns, f"address add {other}/24 dev eth0")
    ip(peer.netns, f"route add {SUBNET} via {host}")
    try:
        with serve_address(peer.netns, ECHO_PORT), serve_address(site.host.netns, OTHER_PORT):

            def seen() -> str:
                return http_get(site.netns(web), peer.address, ECHO_PORT)

            assert seen() == str(host)
            with _rule(site, "nat", "POSTROUTING", *from_it, "-j", "SNAT", "--to", str(other)):
                assert seen() == str(other)
            with _rule(site, "nat", "POSTROUTING", *from_it, "-j", "ACCEPT"):
                site.installed.reconcile()
                assert seen() == str(own)
            assert seen() == str(host)

            assert http_get(peer.netns, host, HOST_PORT) == web
            redirect = ("-j", "REDIRECT", "--to-ports", str(OTHER_PORT))
            with _rule(site, "nat", "PREROUTING", *to_it, *published, *redirect):
                assert http_get(peer.netns, host, HOST_PORT) == str(peer.address)
            with _rule(site, "filter", "DOCKER-USER", *to_it, "-j", "REJECT"):
                assert not reaches(peer.netns, host, HOST_PORT)
            assert http_get(peer.netns, host, HOST_PORT) == web
    finally:
        ip(peer.netns, f"route delete {SUBNET}")
        ip(site.host.netns, f"address delete {other}/24 dev eth0")


@contextmanager
def _rule(site: Site, table: str, chain: str, *rule: str) -> Iterator[None]:
    """Have a rule first in a chain for the block."""
    site.host.run("iptables", "-w", "-t", table, "-I", chain, *rule)
    try:
        yield
    finally:
        site.host.run("iptables", "-w", "-t", table, "-D", chain, *rule)
