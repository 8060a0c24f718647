"""Who reaches ports that the proxy carries: the same as if they were translated."""

import json
import socket
from itertools import product
from typing import Final

import pytest

from plugin.model.ids import bridge_name
from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.kernel.exchange import Answer, Exchange
from tests.kernel.netns import Netns
from tests.kernel.site import HOST6, Container, Site

R, D = Answer.REACHED, Answer.DROPPED
PORTS: Final = {"plain": 8001, "strict": 8002, "named": 8003, "named strict": 8004}
# Who asks by whichever way, and what becomes of it for each of the ports.
ANSWERS: Final = {
    "other": (R, D, R, D),
    "dockers": (R, D, R, D),
    "strict": (D, D, D, D),
    "internal": (D, D, D, D),
    "lan": (R, R, R, R),
}


def served(site: Site, name: str, number: int, host_ip: str | None, **options: str) -> Container:
    """A container without IPv6, whose port the host has on all of its IPv6 addresses, or on one."""
    network = site.network(name, f"10.{number}.0.0/24", options=options)
    ports = [
        a_binding(80, PORTS[name], protocol=protocol, host_ip=host_ip)
        for protocol in (Protocol.TCP, Protocol.UDP)
    ]
    return site.container(network, 2, ports)


def link_local_of_host(site: Site, netns: Netns, bridge: str) -> tuple[str, int]:
    (link,) = json.loads(site.host.run("ip", "-json", "-6", "address", "show", "dev", bridge))
    (own,) = (each["local"] for each in link["addr_info"] if each["scope"] == "link")
    return own, netns.index_of("eth0")


@pytest.mark.parametrize("way", ["address of the host", "link-local address"])
def test_a_port_that_is_carried(site: Site, way: str) -> None:
    """A link-local source is never translated, so it is carried from whatever network."""
    servers = [
        served(site, "plain", 1, None),
        served(site, "strict", 2, None, isolation="strict"),
        served(site, "named", 3, HOST6),
        served(site, "named strict", 4, HOST6, isolation="strict"),
    ]
    who = {"lan": site.outside}
    bridges = {"lan": "up0", "dockers": "docker0"}
    for number, name in enumerate(("other", "strict", "internal"), start=11):
        network = site.network(
            f"asking {name}",
            f"fd00:{number}::/64",
            internal=name == "internal",
            options={"isolation": "strict" if name == "strict" else "on"},
        )
        who[name] = site.container(network).netns
        bridges[name] = bridge_name(network.id)
    who["internal"].ip("route add default via fd00:13::1")
    who["dockers"] = site.stranger("docker0", "172.17.0.1/16", "fd00:17::1/64")
    who["dockers"].ip("route replace default via fd00:17::1")
    site.healer.heal()
    wanted = {}

    with Exchange() as exchange:
        for server, protocol in product(servers, (Protocol.TCP, Protocol.UDP)):
            exchange.serve(server.netns, protocol, 80)
        for name, protocol in product(who, (Protocol.TCP, Protocol.UDP)):
            for (port, number), answer in zip(PORTS.items(), ANSWERS[name], strict=True):
                if way == "link-local address" and port.startswith("named"):
                    continue
                address, scope = HOST6, 0
                if way == "link-local address":
                    address, scope = link_local_of_host(site, who[name], bridges[name])
                wanted[name, port, protocol] = answer
                exchange.ask(
                    (name, port, protocol), who[name], protocol, (address, number, 0, scope)
                )
        found = exchange.answers(wanted)

    assert {key: found[key] for key in wanted if found[key] is not wanted[key]} == {}


def test_a_service_of_the_host_on_another_address_is_reached(site: Site) -> None:
    """By an internal network too, as with Docker: only the port's own address is shut."""
    served(site, "named", 3, HOST6)
    asking = site.container(site.network("internal", "fd00:13::/64", internal=True)).netns
    target = ("fd00:13::1", PORTS["named"])

    with site.host.socket(socket.AF_INET6, socket.SOCK_STREAM) as server:
        server.bind(target)
        server.listen()
        with Exchange() as exchange:
            exchange.ask("service", asking, Protocol.TCP, target)
            connection, _ = server.accept()
            connection.send(b"!")
            found = exchange.answers({"service": R})
            connection.close()

    assert found == {"service": R}
