"""Networks and containers as pynet and the engine tell them, put together."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_interface, ip_network
from typing import Any, Final

from plugin.model.ids import IfName, NetworkID, bridge_name, shim_name, short

_BRIDGED: Final = ("bridge", "overlay")
_NETWORK: Final = re.compile(r"\bnetworks? ([0-9a-f]{12})\b")
_IN_COMMAND: Final = re.compile(r"\bname=([0-9a-f]{12})\b")  # as of docker run --network
# A name that a shell and docker take as it is: Docker lets networks have any.
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenEndpoint:
    """A container on a network of pynet; ``container`` is its name, empty if no engine tells."""

    id: str
    container: str
    mac_address: str
    addresses: tuple[IPv4Address | IPv6Address, ...]
    joined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenNetwork:
    """A network of pynet."""

    id: str
    name: str
    mode: str
    internal: bool
    options: Mapping[str, str]
    subnets: tuple[IPv4Network | IPv6Network, ...]
    endpoints: tuple[SeenEndpoint, ...]

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or short(self.id)

    @property
    def bridged(self) -> bool:
        """Whether its containers are on a bridge of this host."""
        return self.mode in _BRIDGED

    @property
    def bridge(self) -> IfName:
        """The bridge, in a mode that has one."""
        return IfName(self.options.get("bridge_name") or bridge_name(NetworkID(self.id)))

    @property
    def entry(self) -> IfName:
        """The link by which the host and its containers meet."""
        return self.bridge if self.bridged else shim_name(NetworkID(self.id))

    @property
    def parent(self) -> str:
        """The link of the host that it stands on, in a mode that has one."""
        return self.options.get("parent", "")

    @property
    def joined(self) -> tuple[SeenEndpoint, ...]:
        """Containers that run."""
        return tuple(each for each in self.endpoints if each.joined)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenContainer:
    """A container of the engine, whatever networks it is on."""

    id: str
    name: str
    state: str
    labels: Mapping[str, str]
    networks: tuple[str, ...]
    endpoints: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenPort:
    """A published port."""

    network: str
    endpoint: str
    protocol: str
    host: str
    host_port: int
    container: str
    container_port: int
    served: bool

    @property
    def text(self) -> str:
        """As people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.host_port}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of networks by id, and of containers by endpoint."""

    networks: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)

    def network(self, identity: str) -> str:
        """The name of a network by the first digits of its id; empty if no engine told it."""
        found = (name for each, name in self.networks.items() if each.startswith(identity))
        return next(found, "") if identity else ""


def with_names(text: str, network: Callable[[str], str]) -> str:
    """A sentence of pynet's, with the name behind each network's id, and in the id's place in commands."""

    def named(found: re.Match[str]) -> str:
        name = network(found[1])
        return f"{found[0]} ({name})" if name else found[0]

    def typed(found: re.Match[str]) -> str:
        name = network(found[1])
        return f"name={name}" if _PLAIN_NAME.fullmatch(name) else found[0]

    return _IN_COMMAND.sub(typed, _NETWORK.sub(named, text))


def seen_networks(rows: Iterable[dict[str, Any]], names: Names) -> Iterator[SeenNetwork]:
    """Networks from ``/v1/networks``."""
    for row in rows:
        yield SeenNetwork(
            id=row["id"],
            name=names.networks.get(row["id"], ""),
            mode=row["mode"],
            internal=row["internal"],
            options=row["options"],
            subnets=tuple(ip_network(each) for each in row["subnets"]),
            endpoints=tuple(_endpoint(each, names) for each in row["endpoints"]),
        )


def seen_containers(rows: Iterable[Any]) -> Iterator[SeenContainer]:
    """Containers from the engine's list."""
    for row in rows:
        attached = (row.get("NetworkSettings") or {}).get("Networks") or {}
        ids = (each.get("EndpointID") for each in attached.values() if each)
        yield SeenContainer(
            id=row["Id"],
            name=(row.get("Names") or [row["Id"][:12]])[0].removeprefix("/"),
            state=row.get("State", ""),
            labels=row.get("Labels") or {},
            networks=tuple(attached),
            endpoints=frozenset(filter(None, ids)),
        )


def seen_ports(rows: Iterable[dict[str, Any]]) -> Iterator[SeenPort]:
    """Published ports from ``/v1/ports``."""
    fields = ("network", "endpoint", "protocol", "host", "host_port")
    more = ("container", "container_port", "served")
    for row in rows:
        yield SeenPort(**{name: row[name] for name in (*fields, *more)})


def _endpoint(row: dict[str, Any], names: Names) -> SeenEndpoint:
    return SeenEndpoint(
        id=row["id"],
        container=names.containers.get(row["id"], ""),
        mac_address=row["mac_address"],
        addresses=tuple(ip_interface(each).ip for each in row["addresses"]),
        joined=bool(row["sandbox"]),
    )
