"""What the page draws: a host, its links, its networks and their containers, as nodes in four columns.

The page only places and draws.  Which nodes there are, what is wrong with each and what is known of
it is decided here.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from plugin.model.ids import EndpointID, IfName, NetworkID, dummy_name, port_name, short, vlan_name
from plugin.operator.doctor.host import Host, UnseenError
from plugin.operator.doctor.seen import SeenEndpoint, SeenNetwork, with_names
from plugin.ui.nodes import Column, Edge, Node, State

_HOST: Final = "host"
_NO_LINKS: Final = "null"  # the mode whose containers have no link
_UP: Final = frozenset(
    {"UP", "UNKNOWN"}
)  # operstate; a link that has no carrier to tell of is UNKNOWN
_ENDPOINT: Final = "endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything that the page shows but addresses one by one and explanations."""

    host: str
    version: str
    status: str
    degraded: list[dict[str, Any]]
    hints: list[str]
    nodes: list[Node]
    edges: list[Edge]
    differences: list[dict[str, Any]]
    compared: str
    drops: list[dict[str, Any]]
    pools: list[dict[str, Any]]


def topology(host: Host, name: str) -> Topology:
    """What the host called ``name`` has now.

    Raises UnseenError if pynet does not answer; an engine that does not is missed by its names alone.
    """
    differences = host.ask("/v1/differences")
    status = host.ask("/v1/status")  # behind it: ok is never beside a difference
    dropped = host.ask("/v1/drops")
    guarded = {row["endpoint"]: row["packets"] for row in dropped["guarded"]}
    picture = _Picture(host, name, differences["rows"], guarded)
    picture.draw()

    def told(text: str) -> str:
        return with_names(text, host.names.network)

    return Topology(
        host=name,
        version=status["version"],
        status=status["status"],
        degraded=[
            {**each, "why": told(each["why"]), "remedy": told(each["remedy"])}
            for each in status["degraded"]
        ],
        hints=[told(each) for each in status["hints"]],
        nodes=list(picture.nodes.values()),
        edges=picture.edges,
        differences=[
            {**row, "name": host.names.network(row["network"])} for row in differences["rows"]
        ],
        compared=differences["failure"],
        drops=[row for row in dropped["reasons"] if row["packets"]],
        pools=[
            {**row, "network_name": host.names.network(row["network"] or "")}
            for row in host.ask("/v1/pools")
        ],
    )


class _Picture:
    def __init__(
        self, host: Host, name: str, differences: list[dict[str, Any]], guarded: dict[str, int]
    ) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: list[Edge] = []
        self._host = host
        self._name = name
        self._guarded = guarded
        self._links = _links(host)
        self._ports = _ports(host)
        self._containers = _containers(host)
        self._left = differences
        self._by_network: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in differences:
            self._by_network[row["network"]].append(row)

    def draw(self) -> None:
        """Draw the host, and then each network with what it stands on and what is on it."""
        self.nodes[_HOST] = Node(id=_HOST, column=Column.HOST, label=self._name)
        for network in sorted(self._host.networks, key=lambda each: (each.mode, each.label)):
            node = self._network(network)
            self.nodes[node.id] = node
            if network.mode != _NO_LINKS:
                link = self._link(_link_of(network), network)
                self.edges.append(Edge(start=link.id, end=node.id, state=link.state))
            for endpoint in sorted(network.endpoints, key=lambda each: (each.container, each.id)):
                self._endpoint(network, endpoint)
        self._tell_of_the_host()

    def _network(self, network: SeenNetwork) -> Node:
        faults = [_sentence(row) for row in self._by_network[short(network.id)]]
        inside = ["internal"] if network.internal else []
        return Node(
            id=f"network {network.id}",
            column=Column.NETWORK,
            label=network.label,
            lines=[", ".join([network.mode, *inside]), *map(str, network.subnets)],
            state=State.DRIFT if faults else State.OK,
            faults=faults,
            facts=[
                ("network", network.label),
                ("id", short(network.id)),
                ("mode", network.mode),
                *((f"option {key}", value) for key, value in sorted(network.options.items())),
                *(("subnet", str(each)) for each in network.subnets),
                ("containers", str(len(network.joined))),
            ],
            explain=[network.id],
        )

    def _link(self, link: str, network: SeenNetwork) -> Node:
        """The bridge or parent of a network; several networks may have the same."""
        identity = f"link {link}"
        if identity in self.nodes:
            self.nodes[identity].facts.append(("network", network.label))
            return self.nodes[identity]
        seen = self._links.get(link) if self._links is not None else {}
        addresses = [
            f"{each['local']}/{each['prefixlen']}" for each in (seen or {}).get("addr_info", ())
        ]
        kind = "bridge" if network.bridged else "parent"
        faults = [
            _sentence(row)
            for row in self._by_network[short(network.id)]
            if row["which"].split(" ")[0] == link
        ]
        if seen is None and not faults:
            faults = [f"{kind} {link} is missing"]
        elif seen and seen.get("operstate") not in _UP and "UP" not in seen.get("flags", ()):
            faults = faults or [f"{kind} {link} is down"]
        node = Node(
            id=identity,
            column=Column.LINK,
            label=link,
            lines=[kind, *addresses[:1]],
            state=State.DRIFT if faults else State.OK,
            faults=faults,
            facts=[
                (kind, link),
                *(("address", each) for each in addresses),
                *((("MTU", str(seen["mtu"])),) if seen and "mtu" in seen else ()),
                ("network", network.label),
            ],
            explain=[network.id],
        )
        self.nodes[identity] = node
        self.edges.append(Edge(start=_HOST, end=identity, state=node.state))
        return node

    def _endpoint(self, network: SeenNetwork, endpoint: SeenEndpoint) -> None:
        node = self._container(endpoint)
        addresses = ", ".join(map(str, endpoint.addresses))
        faults = list(self._faults_of(network, endpoint))
        node.faults += faults
        node.lines.append(addresses)
        node.ports += self._ports.get(endpoint.id, [])
        node.explain.append(endpoint.id)
        node.facts += [
            ("network", network.label),
            ("addresses", addresses),
            ("MAC address", endpoint.mac_address),
            *(("published", each["text"]) for each in self._ports.get(endpoint.id, ())),
        ]
        dropped = self._guarded.get(endpoint.id, 0)
        if dropped:
            node.facts.append(("dropped", f"{dropped} frames of late (pynet drops)"))
        if faults or not all(each["served"] for each in node.ports):
            node.state = State.DRIFT
        elif not endpoint.joined and node.state is State.OK:
            node.state = State.AWAY
        self.edges.append(
            Edge(
                start=f"network {network.id}",
                end=node.id,
                text=addresses,
                dropped=dropped,
                state=State.DRIFT if faults else State.OK if endpoint.joined else State.AWAY,
            )
        )

    def _container(self, endpoint: SeenEndpoint) -> Node:
        """A container is one node, however many networks it is on."""
        container = self._containers.get(endpoint.id, endpoint.id)
        identity = f"container {container}"
        if identity not in self.nodes:
            label = endpoint.container or short(endpoint.id)
            known = ("container", label) if endpoint.container else (_ENDPOINT, label)
            self.nodes[identity] = Node(
                id=identity, column=Column.CONTAINER, label=label, facts=[known]
            )
        return self.nodes[identity]

    def _faults_of(self, network: SeenNetwork, endpoint: SeenEndpoint) -> Iterator[str]:
        names = {str(port_name(EndpointID(endpoint.id))), *map(str, endpoint.addresses)}
        for row in self._by_network[short(network.id)]:
            own = row["kind"] == _ENDPOINT and row["which"] == short(endpoint.id)
            if own or not names.isdisjoint(row["which"].split(" ")):
                yield _sentence(row)

    def _tell_of_the_host(self) -> None:
        node = self.nodes[_HOST]
        node.faults = [_sentence(row) for row in self._by_network.get("", ())]
        if node.faults:
            node.state = State.DRIFT
        networks = self._host.networks
        containers = sum(each.column is Column.CONTAINER for each in self.nodes.values())
        node.lines = [f"{len(networks)} networks", f"{containers} containers"]
        node.facts = [("host", self._name), ("networks", str(len(networks)))]


def _link_of(network: SeenNetwork) -> str:
    """The link of the host that a network is on."""
    if network.bridged:
        return network.bridge
    parent, vlan = network.parent, network.options.get("vlan", "")
    if parent and vlan.isdigit():
        return vlan_name(IfName(parent), int(vlan))
    return parent or dummy_name(NetworkID(network.id))


def _links(host: Host) -> dict[str, dict[str, Any]] | None:
    """Links by name; None if this command cannot see them: then none is said to be missing."""
    with suppress(UnseenError):
        return host.links
    return None


def _ports(host: Host) -> dict[str, list[dict[str, Any]]]:
    """Published ports by endpoint; one of both families counts once."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for each in host.ports:
        text = f"{each.host_port}→{each.container_port}/{each.protocol}"
        before = found[each.endpoint].get(text, {"served": True})
        served = each.served and before["served"]
        found[each.endpoint][text] = {"text": text, "served": served}
    return {endpoint: list(ports.values()) for endpoint, ports in found.items()}


def _containers(host: Host) -> dict[str, str]:
    """Containers by endpoint; none if no engine tells."""
    with suppress(UnseenError):
        return {endpoint: each.id for each in host.containers for endpoint in each.endpoints}
    return {}


def _sentence(row: dict[str, Any]) -> str:
    return f"{row['kind']} {row['which']}: {row['fault']}"
