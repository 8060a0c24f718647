"""Networks and endpoints, as dockerd asked for them.

A network keeps what was read from the host when it was made (``uplink_mtu``,
``foreign_parent``), so that a restart does not change its plan.  Only ``host_addresses`` and
``parent_mac`` follow the host, whose addresses may be leased, ``peers``, their keys and who is idle the cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from typing import Final

from plugin.model.ids import EndpointID, IfName, MacAddress, NetworkID
from plugin.model.leases import Facts

IPAddress = IPv4Address | IPv6Address
IPInterface = IPv4Interface | IPv6Interface
IPNetwork = IPv4Network | IPv6Network

_BROADCAST: Final = IPv4Address("255.255.255.255")


# The address space of a pool of pynet's IPAM whose addresses a DHCP server gives.
LEASED_SPACE: Final = "pynet-leased"


def is_of_one_host(address: IPAddress) -> bool:
    """Whether other hosts could reach one host by the address: it is no group's, and means one host everywhere."""
    zone = isinstance(address, IPv6Address) and address.scope_id
    nowhere = address.is_multicast or address.is_unspecified or address.is_loopback
    return not (nowhere or zone or address == _BROADCAST)


def is_within(prefix: IPNetwork, other: IPNetwork) -> bool:
    """Whether all addresses of a prefix are of the other."""
    if isinstance(prefix, IPv4Network) and isinstance(other, IPv4Network):
        return prefix.subnet_of(other)
    if isinstance(prefix, IPv6Network) and isinstance(other, IPv6Network):
        return prefix.subnet_of(other)
    return False


class NetworkState(Enum):
    """How far the creation or deletion of a network is; ``ACTIVE`` once dockerd got its answer.

    A ``PENDING`` network found at start is undone; a ``DELETING`` one is finished.
    """

    PENDING = "pending"
    ACTIVE = "active"
    DELETING = "deleting"


class EndpointState(Enum):
    """The state of an endpoint; ``MOVES`` lists the legal next states."""

    CREATED = "created"  # no sandbox has had its link yet
    JOINED = "joined"  # a sandbox has its link, or is about to
    LEFT = "left"  # the sandbox gave it back, or has ended
    UNPLUGGED = "unplugged"  # the link went with the parent; the sandbox may run without it
    DELETING = "deleting"  # dockerd considers it deleted, regardless of pynet's answer


MOVES: Final[Mapping[EndpointState, frozenset[EndpointState]]] = {
    EndpointState.CREATED: frozenset({EndpointState.JOINED, EndpointState.DELETING}),
    EndpointState.JOINED: frozenset(EndpointState) - {EndpointState.CREATED},
    EndpointState.LEFT: frozenset({EndpointState.JOINED, EndpointState.DELETING}),
    EndpointState.UNPLUGGED: frozenset(EndpointState)
    - {EndpointState.CREATED, EndpointState.UNPLUGGED},
    EndpointState.DELETING: frozenset(),
}


class Protocol(Enum):
    """Transport protocols a port can be published for, with their numbers (IANA)."""

    TCP = 6
    UDP = 17
    SCTP = 132

    @property
    def text(self) -> str:
        """The name nftables and Docker use."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolData:
    """One subnet of a network, with the addresses dockerd keeps in it for itself.

    ``options`` are those that our own IPAM would give it again for, should it lose it.
    """

    space: str
    prefix: IPNetwork
    gateway: IPInterface | None = None
    auxiliary: dict[str, IPInterface] = field(default_factory=dict)
    options: dict[str, str] | None = None

    @property
    def is_shared(self) -> bool:
        """Whether other hosts give addresses of it, too, by our own IPAM."""
        return "cluster" in (self.options or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """An L2 domain with its subnets; ``options`` are the user's, by their short names."""

    id: NetworkID
    mode: str
    options: dict[str, str] = field(default_factory=dict)
    pools: tuple[PoolData, ...] = ()
    internal: bool = False
    ipv6: bool = False
    uplink_mtu: int = 1500
    host_ipv6: bool = True
    host_addresses: tuple[IPInterface, ...] = ()  # on the parent, if the network names them
    parent_mac: MacAddress | None = None
    foreign_parent: bool = False  # the parent was there before, and pynet did not make it
    local: IPAddress | None = None  # this host's address among the hosts of the network
    peers: tuple[IPAddress, ...] = ()  # the addresses of the other hosts there
    idle_peers: tuple[IPAddress, ...] = ()  # those of them that do not have the network
    peer_keys: tuple[
        str, ...
    ] = ()  # what these told, in their order; none where a secret makes keys
    vni: int | None = None  # the number that the hosts agreed on; None if each makes the same
    announced: bool = False  # the engine announces a container's addresses to its neighbours
    engine: tuple[str, ...] = ()  # the dockerd that has it, if no other takes it over
    released: bool = False  # the engine has given back its pool, whose addresses are leased
    state: NetworkState = NetworkState.PENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class PortBinding:
    """A request to publish ``container_port``; ``host_port`` 0 leaves the choice to the kernel."""

    protocol: Protocol
    container_port: int
    host_ip: IPAddress | None = None
    host_port: int = 0
    host_port_end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PortTarget:
    """Where one family of a binding is published, and to which address it leads."""

    host_ip: IPAddress | None
    container_ip: IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port that is published: what a binding became on one host address.

    Without a host address the container's own port is open to who can route to it.
    """

    protocol: Protocol
    host_ip: IPAddress | None
    host_port: int
    container_ip: IPAddress
    container_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A container's port on a network."""

    id: EndpointID
    network_id: NetworkID
    mac_address: MacAddress
    mac_chosen: bool = False  # by the user, so that it identifies the container
    ipv4: IPv4Interface | None = None
    ipv6: IPv6Interface | None = None
    ipv6_off: bool = False  # the user had the engine switch it off on the link
    ifname: IfName | None = None  # in the sandbox, if the user chose it
    options: dict[str, str] = field(default_factory=dict)
    sandbox_key: str | None = None
    attached: bool = False  # a sandbox has, or had, its link
    unplugged: bool = False  # see EndpointState
    bindings: tuple[PortBinding, ...] = ()
    no_proxy_6to4: bool = False  # IPv6 of the host leads to another endpoint
    published: tuple[PublishedPort, ...] = ()
    deleting: bool = False  # see EndpointState
    facts: Facts | None = None  # what a DHCP server said with the address

    @property
    def interfaces(self) -> tuple[IPInterface, ...]:
        """Its addresses, IPv4 before IPv6."""
        return tuple(each for each in (self.ipv4, self.ipv6) if each is not None)

    @property
    def answering(self) -> dict[int, IPAddress]:
        """The addresses that its container answers at, by IP version."""
        return {
            each.version: each.ip
            for each in self.interfaces
            if each.version == 4 or not self.ipv6_off
        }

    @property
    def state(self) -> EndpointState:
        """The state of the endpoint, from the fields of its record."""
        if self.deleting:
            return EndpointState.DELETING
        if self.sandbox_key is not None:
            return EndpointState.JOINED
        if self.unplugged:
            return EndpointState.UNPLUGGED
        return EndpointState.LEFT if self.attached else EndpointState.CREATED

    @property
    def joined(self) -> bool:
        """Whether a sandbox holds (or is about to hold) the endpoint's link."""
        return self.sandbox_key is not None

    def without_ports(self) -> "Endpoint":
        """The endpoint as one that is no gateway."""
        return replace(self, bindings=(), published=(), no_proxy_6to4=False)

    def moved(self, state: EndpointState, *, sandbox_key: str | None = None) -> "Endpoint":
        """The endpoint in another state; ``sandbox_key`` names the sandbox that it joins.

        To stay where it is is no move, and always right.

        Raises:
            ValueError: for a move that `MOVES` does not have, or a join without a sandbox.

        """
        if state not in MOVES[self.state] | {self.state}:
            raise ValueError(f"an endpoint that is {self.state.value} cannot become {state.value}")
        if (sandbox_key is None) == (state is EndpointState.JOINED):
            raise ValueError(f"an endpoint that becomes {state.value} joins {sandbox_key}")
        return replace(
            self,
            sandbox_key=sandbox_key,
            attached=self.attached or state is EndpointState.JOINED,
            unplugged=state is EndpointState.UNPLUGGED,
            deleting=state is EndpointState.DELETING,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticRoute:
    """A route inside the sandbox; without ``next_hop`` the destination is on the link."""

    destination: IPNetwork
    next_hop: IPAddress | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What dockerd does with the link that a join hands over; None hands over nothing.

    In the sandbox it has the name ``dst_name``, or one of ``dst_prefix`` and a number.
    """

    src_name: str | None
    dst_prefix: str = "eth"
    dst_name: IfName | None = None
    gateway4: IPv4Address | None = None
    gateway6: IPv6Address | None = None
    routes: tuple[StaticRoute, ...] = ()
    disable_gateway_service: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNeeds:
    """Which families need no gateway address of their own from the IPAM."""

    skip_ipv4: bool = False
    skip_ipv6: bool = False
