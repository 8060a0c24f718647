"""A host with containers on networks of every kind at once, and who can be asked for what.

Servers and askers are sockets of this process in the containers' network namespaces, so that
a thousand questions take as long as the slowest of them.
"""

import json
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.model.network import Protocol
from tests.kernel.published import PROTOCOLS, SERVERS, Server
from tests.lab.namespace import Peer, ip, ip_json
from tests.lab.netns import inside
from tests.lab.site import Site

OPEN: Final = 7001  # a port that is not published
PUBLISHED: Final = 7002  # one that is, on a port of the host
FIRST_HOST_PORT: Final = 8501
_ISOLATED: Final = ("-o", "gateway_mode_ipv4=isolated", "-o", "gateway_mode_ipv6=isolated")
_ROUTED: Final = ("-o", "gateway_mode_ipv4=routed", "-o", "gateway_mode_ipv6=routed")
# Options of `docker network create`; there is an own one, docker0, that needs none.
NETWORKS: Final = {
    "nat": (),
    "routed": _ROUTED,
    "isolated": ("--internal", *_ISOLATED, "-o", "bridge_name=br-alone"),
    "shut": ("-o", "icc=false"),
    "user": (),
}
KINDS: Final = (*NETWORKS, "docker0")
# What the other machine has ways to: the subnets of all of these.
PREFIXES: Final = ("10.60.0.0/16", "fd00:60::/48", "10.61.0.0/16", "fd00:61::/48", "172.17.0.0/16")


class Sandbox:
    """A network namespace, and the addresses that it has for others."""

    def __init__(self, netns: Path, addresses: Iterable[str] = ()) -> None:
        self.netns = netns
        self.addresses: dict[int, str] = {
            ip_address(each).version: each for each in addresses if each
        }

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """Make a socket in it."""
        with inside(self.netns):
            return socket.socket(family, kind)


class Crossroads:
    """Containers, made by the engine; each network has a neighbour too."""

    def __init__(self, site: Site, peer: Peer) -> None:
        self.site = site
        self.host = Sandbox(site.host.netns, map(str, (site.host.address, site.host.address6)))
        self.other_address = str(site.host.address + 100)  # of the host's
        self.lan = Sandbox(peer.netns)
        self.servers = [each for each in SERVERS if each.families != "ipv6" or self.ipv6_only]
        self.published: dict[Server, tuple[Sandbox, Sandbox]] = {}
        self.kinds: dict[str, tuple[Sandbox, Sandbox]] = {}

    @property
    def ipv6_only(self) -> bool:
        """Whether the engine knows --ipv4=false."""
        return self.site.host.engine.version != "20.10"

    def make(self) -> None:
        """Make everything; some of it at a time, because it is waiting for the most part."""
        with ThreadPoolExecutor(4) as pool:
            kinds = [pool.submit(self._kind, number) for number in range(len(KINDS))]
            servers = {each: pool.submit(self._server, each) for each in self.servers}
            names = [*(each.result() for each in (*kinds, *servers.values()))]
        sandboxes = self._sandboxes([name for pair in names for name in pair])
        pairs = [(sandboxes[one], sandboxes[two]) for one, two in names]
        self.kinds = dict(zip(KINDS, pairs, strict=False))
        self.published = dict(zip(servers, pairs[len(KINDS) :], strict=True))
        self._open_up()

    def askers(self, server: Server) -> dict[str, Sandbox]:
        """Who asks for what a server publishes, as the tables name them."""
        made, neighbour = self.published[server]
        return {
            "lan": self.lan,
            "host": self.host,
            "same": neighbour,
            "other": self.kinds["nat"][0],
            "docker0": self.kinds["docker0"][0],
            "user": self.kinds["user"][0],
            "self": made,
        }

    def address(self, server: Server, word: str) -> str:
        """The address that ``word`` stands for in a table."""
        if word.startswith("own"):
            return self.published[server][0].addresses[int(word[3:])]
        return self._addresses.get(word, word)

    @property
    def _addresses(self) -> dict[str, str]:
        mine = self.host.addresses
        return {"v4": mine[4], "v4b": self.other_address, "v6": mine[6]}

    def _kind(self, number: int) -> tuple[str, str]:
        kind = KINDS[number]
        subnets = (f"--subnet=10.61.{number}.0/24", f"--subnet=fd00:61:0:{number}::/64")
        if kind == "docker0":
            network = "bridge"
        elif kind == "user":
            network = self.site.network("--ipv6", *subnets, driver="bridge", ipam=False)
        else:
            network = self.site.network("--ipv6", *subnets, *NETWORKS[kind])
        ports = [
            f"-p={FIRST_HOST_PORT + number}:{PUBLISHED}/{protocol.text}" for protocol in PROTOCOLS
        ]
        run = self.site.run
        return run("--network", network, *ports), run("--network", network)

    def _server(self, server: Server) -> tuple[str, str]:
        network = self.site.network(
            *(["--ipv4=false"] if server.families == "ipv6" else []),
            *(["--ipv6"] if server.families != "ipv4" else []),
            *(f"--subnet={each}" for each in server.subnets("10.60", "fd00:60:0")),
            *(word for each in server.options.items() for word in ("-o", "=".join(each))),
        )
        ports = [
            f"-p={self._before(form)}{server.port(form)}:{server.port(form)}/{protocol.text}"
            for form in server.forms
            for protocol in (Protocol.TCP, Protocol.UDP)
        ]
        run = self.site.run
        return run("--network", network, *ports), run("--network", network)

    def _before(self, form: str) -> str:
        """The host's address in front of a port."""
        address = self._addresses.get(form, form)
        return "" if form == "any" else f"[{address}]:" if ":" in address else f"{address}:"

    def _sandboxes(self, names: list[str]) -> dict[str, Sandbox]:
        found = {}
        for each in json.loads(self.site.docker("container", "inspect", *names)):
            settings = each["NetworkSettings"]
            (network,) = settings["Networks"].values()
            # /var/run is a link to /run, and an absolute link leads out of the host's root.
            netns = self.site.host.path(settings["SandboxKey"].removeprefix("/var"))
            addresses = (network["IPAddress"], network["GlobalIPv6Address"])
            found[each["Name"].removeprefix("/")] = Sandbox(netns, addresses)
        return found

    def _open_up(self) -> None:
        """Give the isolated ones ways that they do not have: a way is no permission."""
        number = KINDS.index("isolated")
        (bridge,) = ip_json(self.host.netns, "link", "show", "dev", "br-alone")
        ip(self.host.netns, f"route add 10.61.{number}.0/24 dev br-alone")
        for container in self.kinds["isolated"]:
            for gateway in (f"10.61.{number}.254", f"fd00:61:0:{number}::fe"):
                ip(
                    container.netns,
                    f"route add default via {gateway}",
                    f"neighbour replace {gateway} lladdr {bridge['address']} dev eth0",
                )
