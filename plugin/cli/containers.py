"""The engine's containers as places of a trace: their addresses at once, their namespaces when asked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from plugin.cli import engine, place
from plugin.cli.output import plain
from plugin.errors import HostError, RefusedError
from plugin.model.ids import EndpointID, NetworkID, bridge_name, port_name
from plugin.trace.namespace import Namespace
from plugin.trace.packet import IPAddress
from plugin.trace.places import Node

_SECONDS: Final = 5.0
_QUAD: Final = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII
)  # of IPv4
_OF_HOST: Final = "host"
_SHORTEST: Final = 4  # digits of an id that is a beginning


class Containers(Mapping[IPAddress, Sequence[Node]]):
    """Those that run, by their addresses.  Raises HostError if the engine does not tell."""

    def __init__(self, host: Node) -> None:
        self._host = host
        listed = engine.listed("/containers/json", _SECONDS)
        if listed is None:
            raise HostError(_unseen())
        self._listed: list[dict[str, Any]] = listed
        self._root = engine.root()
        self._nodes: dict[str, Node] = {}
        # By their texts: to read some thousand addresses takes longer than the rest.
        self._by_address: dict[str, list[dict[str, Any]]] = {}
        for each in listed:
            for text in _texts(each):
                self._by_address.setdefault(text, []).append(each)

    def __getitem__(self, address: IPAddress) -> Sequence[Node]:
        return [self._node(each) for each in self._by_address[str(address)]]

    def __iter__(self) -> Iterator[IPAddress]:
        return map(ip_address, self._by_address)

    def __len__(self) -> int:
        return len(self._by_address)

    def named(self, which: str) -> Node | None:
        """The container of that name, or with that id; None if there is none.

        Raises RefusedError if it is the beginning of several ids.
        """
        exact = [each for each in self._listed if which in (_name(each), each["Id"])]
        found = exact or [
            each
            for each in self._listed
            if len(which) >= _SHORTEST and each["Id"].startswith(which)
        ]
        if len(found) > 1:
            raise RefusedError(f"{which!r} is the beginning of several ids; give more digits")
        return self._node(found[0]) if found else None

    def names(self) -> list[str]:
        """All names."""
        return [_name(each) for each in self._listed]

    def endpoints(self) -> Mapping[str, str]:
        """The names by the ids of their endpoints."""
        return {
            str(attached.get("EndpointID")): _name(each)
            for each in self._listed
            for attached in _networks(each).values()
            if isinstance(attached, dict)
        }

    def on_network(self, network: str) -> list[str]:
        """The names of the containers on a network, by its name."""
        return sorted(_name(each) for each in self._listed if network in _networks(each))

    def addresses_of(self, which: Node, network: str | None = None) -> list[IPAddress]:
        """The addresses of a container, or those that it has on one network."""
        for each in self._listed:
            if self._nodes.get(each["Id"]) is which:
                return list(_addresses(each, network))
        return []

    def networks_of(self, which: Node) -> list[str]:
        """The names of the networks that a container is on."""
        return [
            name
            for each in self._listed
            if self._nodes.get(each["Id"]) is which
            for name in _networks(each)
        ]

    def _node(self, listed: Mapping[str, Any]) -> Node:
        identity = listed["Id"]
        if identity not in self._nodes:
            self._nodes[identity] = self._made(listed)
        return self._nodes[identity]

    def _made(self, listed: Mapping[str, Any]) -> Node:
        found = engine.answered(f"/containers/{listed['Id']}/json", _SECONDS)
        state = found.get("State") if isinstance(found, dict) else None
        pid = state.get("Pid") if isinstance(state, dict) else None
        if not pid:
            raise HostError(f"the engine does not tell where the container {_name(listed)} runs")
        if (listed.get("HostConfig") or {}).get("NetworkMode") == _OF_HOST:
            return self._host
        paused = " (paused)" if state is not None and state.get("Paused") else ""
        return Node(
            name=_name(listed) + paused,
            namespace=Namespace(str(self._root / f"proc/{pid}/ns/net")),
            addresses=frozenset(_addresses(listed)),
        )


def _unseen() -> str:
    if place.is_inside_plugin():
        return (
            "the managed plugin sees neither Docker nor containers; run this command with the "
            "host's own `pynet` as root, which `pip install .` in a checkout adds"
        )
    return f"{engine.absence()}, which alone knows where containers are; start Docker, or set DOCKER_HOST"


def labels(containers: Containers) -> dict[str, str]:
    """The names of networks and containers by the host's links of them, as far as the engine tells."""
    found: dict[str, str] = {
        port_name(EndpointID(endpoint)): name for endpoint, name in containers.endpoints().items()
    }
    for each in engine.listed("/networks", _SECONDS) or ():
        with suppress(KeyError, TypeError, AttributeError):
            options = each.get("Options") or {}
            given = (
                v for k, v in options.items() if k.endswith("bridge.name") or k == "bridge_name"
            )
            short = each["Id"][:12]
            for bridge in (*given, bridge_name(NetworkID(each["Id"])), f"br-{short}"):
                found[str(bridge)] = plain(str(each["Name"]))
    return found


def _name(listed: Mapping[str, Any]) -> str:
    names = listed.get("Names") or [listed["Id"][:12]]
    return plain(str(names[0])).removeprefix("/")


def _networks(listed: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (listed.get("NetworkSettings") or {}).get("Networks")
    return found if isinstance(found, dict) else {}


def _addresses(listed: Mapping[str, Any], network: str | None = None) -> Iterator[IPAddress]:
    return map(ip_address, _texts(listed, network))


def _texts(listed: Mapping[str, Any], network: str | None = None) -> Iterator[str]:
    """Addresses, each as it is printed; what is none is left out."""
    for name, attached in _networks(listed).items():
        if network is not None and name != network:
            continue
        for key in ("IPAddress", "GlobalIPv6Address"):
            with suppress(ValueError, AttributeError):
                text = attached.get(key)
                if text:
                    yield text if _QUAD.fullmatch(text) else str(ip_address(text))
