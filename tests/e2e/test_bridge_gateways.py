"""Which gateway containers have, and whether an address is kept for it."""

import json
from ipaddress import ip_network

import pytest

from tests.e2e.asking import NOBODY, Question, surprises
from tests.lab.clients import Address, http_get, reaches
from tests.lab.commands import CommandError
from tests.lab.namespace import Peer, ip_json
from tests.lab.site import Site
from tests.lab.traces import elements

NET4, NET6 = "10.50.0.0/24", "fd00:50::/64"
DUAL = ("--ipv6", f"--subnet={NET4}", f"--subnet={NET6}")
ISOLATED = ("--internal", "-o", "gateway_mode_ipv4=isolated", "-o", "gateway_mode_ipv6=isolated")
INHIBITED = ("-o", "inhibit_ipv4=true")


@pytest.mark.parametrize("ipam", [True, False], ids=["pynet-ipam", "docker-ipam"])
def test_gateway_of_ones_choice(site: Site, *, ipam: bool) -> None:
    """Docker's names for it are auxiliary addresses; the bridge keeps the usual ones."""
    network = site.network(
        *(*DUAL, "-o", "bridge_name=br-aux"),
        *("--aux-address=DefaultGatewayIPv4=10.50.0.254",),
        *("--aux-address=DefaultGatewayIPv6=fd00:50::fe",),
        ipam=ipam,
    )
    web, other = site.web("--network", network), site.run("--network", network)

    assert _default(site, web, "-4") == "10.50.0.254"
    assert _default(site, web, "-6") == "fd00:50::fe"
    (bridge,) = ip_json(site.host.netns, "address", "show", "dev", "br-aux")
    assert {each["local"] for each in bridge["addr_info"]} >= {"10.50.0.1", "fd00:50::1"}
    assert http_get(site.netns(other), site.address(web, network), 80) == web
    assert http_get(site.host.netns, site.address6(web, network), 80) == web
    # It is kept for the router.
    with pytest.raises(CommandError, match=r"10\.50\.0\.254|in use"):
        site.run("--network", network, "--ip", "10.50.0.254")


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (ISOLATED, set()),
        (ISOLATED[:3], {6}),
        (("--internal", *INHIBITED), {6}),
        # Without --internal it is the containers' gateway, wherever that is.
        (INHIBITED, {4, 6}),
    ],
    ids=["isolated", "isolated-ipv4", "inhibited-internal", "inhibited"],
)
def test_address_kept_for_a_gateway(site: Site, options: tuple[str, ...], kept: set[int]) -> None:
    """None where the host has no part in the network; older engines do not ask and keep it."""
    if site.host.engine.version == "20.10":
        kept = {4, 6}

    network = site.network("--ipv6", *options)

    # What the engine does not show was not kept, and is the first container's.
    pools = {ip_network(each["Subnet"]): each for each in _pools(site, network)}
    # Older engines write the length of the prefix at the end.
    gateways = {
        subnet.version: each.get("Gateway", "").partition("/")[0] for subnet, each in pools.items()
    }
    firsts = {subnet.version: str(subnet[1]) for subnet in pools}
    assert gateways == {version: firsts[version] if version in kept else "" for version in (4, 6)}
    one, two = site.web("--network", network), site.run("--network", network)
    given: dict[int, Address] = {
        4: site.address(one, network),
        6: site.address6(one, network),
    }
    assert (str(given[4]) == firsts[4]) == (4 not in kept)
    for address in given.values():
        assert http_get(site.netns(two), address, 80) == one


def test_published_without_ipv4(site: Site, peer: Peer) -> None:
    """A network of IPv6 alone publishes by IPv6; what names IPv4 is left to another network's."""
    if site.host.engine.version == "20.10":
        pytest.skip("this engine has no --ipv4=false")
    network = site.network("--ipv4=false", "--ipv6", f"--subnet={NET6}")
    web = site.web("--network", network, "-p", "8080:80", "-p", "[::1]:8081:80")
    host = site.host
    questions: dict[str, Question] = {
        "another machine": (peer.netns, host.address6, 8080, web),
        "another machine, IPv4": (peer.netns, host.address, 8080, NOBODY),
        "the host": (host.netns, host.address6, 8080, web),
        "the host, loopback": (host.netns, "::1", 8080, web),
        "the host, IPv4": (host.netns, "127.0.0.1", 8080, NOBODY),
        "loopback alone": (host.netns, "::1", 8081, web),
        "loopback alone, by address": (host.netns, host.address6, 8081, NOBODY),
        "itself": (site.netns(web), host.address6, 8080, web),
    }

    assert surprises(questions) == {}
    again = site.web("--network", network, "-p", "127.0.0.1:8082:80")
    assert not reaches(host.netns, "127.0.0.1", 8082)
    four = site.network()
    site.docker("network", "connect", four, again)
    assert http_get(host.netns, "127.0.0.1", 8082) == again


@pytest.mark.parametrize("first", ["IPv4", "IPv6", "connected"])
def test_a_network_for_each_family(site: Site, peer: Peer, first: str) -> None:
    """A container has a gateway for each and publishes by both, in whichever order it joins."""
    if site.host.engine.version == "20.10":
        pytest.skip("this engine has no --ipv4=false")
    four, six = site.network(), site.network("--ipv4=false", "--ipv6", f"--subnet={NET6}")
    host = site.host
    ports = ("-p", "8080:80", "-p", "80")
    match first:
        case "IPv4":
            web = site.web("--network", four, "--network", six, *ports)
        case "IPv6":
            web = site.web("--network", six, "--network", four, *ports)
        case _:
            web = site.web("--network", four, *ports)
            site.docker("network", "connect", six, web)

    def answers(address: Address, port: int = 8080) -> str:
        return http_get(peer.netns, address, port)

    def numbers() -> set[int]:
        lines = [line for line in elements(host.netns) if line.startswith("nft map pn_ports")]
        return {json.loads(line.partition(": ")[2])[0]["concat"][1] for line in lines}

    assert answers(host.address) == answers(host.address6) == web
    assert http_get(host.netns, "::1", 8080) == http_get(host.netns, "127.0.0.1", 8080) == web
    (chosen,) = numbers() - {8080}
    assert answers(host.address, chosen) == answers(host.address6, chosen) == web
    site.docker("restart", "-t", "0", web)
    site.answering(web)
    assert answers(host.address) == answers(host.address6) == web
    site.docker("network", "disconnect", six, web)
    assert answers(host.address) == answers(host.address6) == web
    site.docker("network", "connect", six, web)
    site.docker("network", "disconnect", four, web)
    assert answers(host.address6) == web


def _pools(site: Site, network: str) -> list[dict[str, str]]:
    pools: list[dict[str, str]] = site.inspect("network", network)["IPAM"]["Config"]
    return pools


def _default(site: Site, container: str, family: str) -> str:
    """Return the gateway of a container's default route."""
    (route,) = ip_json(site.netns(container), family, "route", "show", "default")
    return str(route["gateway"])
