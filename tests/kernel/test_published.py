"""Who reaches a published port: every form of address, from everywhere, in tables.

The cells of a host are asked all at once.  What is not reached is refused at once wherever the
host can say so; a datagram to a port that is held and not translated is met with silence.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import pytest

from plugin.model.network import PortBinding, Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Exchange
from tests.kernel.netns import Netns
from tests.kernel.published import FAMILIES, ORIGINS, PROTOCOLS, SERVERS, Server
from tests.kernel.site import HOST4, HOST4_OTHER, HOST6, WEATHERS, Container, Site

ADDRESSES: Final = {"v4": HOST4, "v4b": HOST4_OTHER, "v6": HOST6}


@pytest.fixture(
    params=WEATHERS,
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A host and its neighbour, in all weathers."""
    br_netfilter, docker = request.param
    made = Site(br_netfilter=br_netfilter, docker=docker)
    made.host.sysctl("net/ipv4/icmp_ratemask", 0)  # every refusal is said
    made.host.sysctl("net/ipv6/icmp/ratelimit", 0)
    with made.host.entered():
        yield made
        made.close()


@pytest.mark.parametrize("families", FAMILIES)
def test_every_form_from_everywhere(site: Site, families: str) -> None:
    """In every gateway mode, by both protocols, with the userland proxy and without it."""
    site.outside.ip(f"route add 10.60.0.0/16 via {HOST4}", f"route add fd00:60::/48 via {HOST6}")
    strangers = {
        "lan": site.outside,
        "host": site.host,
        "other": site.container(site.network("other", "10.9.0.0/24", "fd00:9::/64")).netns,
        "docker0": site.stranger("docker0", "172.17.0.1/16", "fd00:17::1/64"),
        "user": site.stranger("br-0123456789ab", "172.18.0.1/16", "fd00:18::1/64"),
    }
    servers = [each for each in SERVERS if each.families == families]
    wanted = {cell: answer for each in servers for cell, answer in each.cells().items()}

    with Exchange() as exchange:
        where: dict[Server, tuple[Container, dict[str, Netns]]] = {}
        for server in servers:
            subnets = server.subnets("10.60", "fd00:60:0")
            network = site.network(str(SERVERS.index(server)), *subnets, options=server.options)
            made = site.container(network, 2, bindings(server))
            askers = {"same": site.container(network, 3).netns, "self": made.netns}
            where[server] = made, strangers | askers
            for protocol, form in product(PROTOCOLS, server.rows):
                exchange.serve(made.netns, protocol, server.port(form))
        for cell in wanted:
            made, askers = where[cell.server]
            who, at = cell.origin
            exchange.ask(cell, askers[who], cell.protocol, (address(made, at), cell.port))
        found = exchange.answers(wanted)

    assert {
        cell: (found[cell], wanted[cell]) for cell in wanted if found[cell] != wanted[cell]
    } == {}


def bindings(server: Server) -> list[PortBinding]:
    """A port for every form."""
    return [
        a_binding(
            server.port(form),
            server.port(form),
            host_ip=None if form == "any" else ADDRESSES.get(form, form),
            protocol=protocol,
        )
        for form, protocol in product(server.forms, PROTOCOLS)
    ]


def address(container: Container, word: str) -> str:
    """The address that ``word`` stands for in a table."""
    if word.startswith("own"):
        return str(container.address4 if word == "own4" else container.address6)
    return ADDRESSES.get(word, word)


@pytest.mark.parametrize("server", SERVERS, ids=str)
def test_each_row_and_column_is_there(server: Server) -> None:
    """No question is forgotten but those that cannot be asked."""
    asked = {cell.origin for cell in server.cells()}
    absent = {"ipv4": "own6", "ipv6": "own4"}.get(server.families)

    assert asked == {origin for origin in ORIGINS if origin[1] != absent}
    assert {cell.form for cell in server.cells()} == set(server.rows) >= set(server.forms)
    assert {cell.protocol for cell in server.cells()} == {Protocol.TCP, Protocol.UDP}
