"""The contract of a network mode: pure answers about what should be.

A driver binds a network: it answers with a BoundNetwork, whose options have been read.
Everything else is asked of that one, at any time and any number of times, with the same
answer for the same values.  Each method raises RefusedError for what cannot be meant.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol, Self

from plugin.drivers.dhcp import DhcpUse
from plugin.drivers.options import Option, Values
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPAddress,
    IPNetwork,
    Network,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan, together
from plugin.model.tunnels import Announcement, Terms, Tunnel, Underlay


@dataclass(frozen=True)
class BoundNetwork(ABC):
    """A network whose options have been read; a mode overrides what it has an answer for."""

    network: Network
    options: Values

    def with_record(self, network: Network) -> Self:
        """The same network with another record, whose options are the same."""
        return replace(self, network=network)

    def check_options(self) -> None:
        """Refuse options whose values mean nothing, each for itself or together."""
        self.options.check()

    @abstractmethod
    def check_endpoint(self, endpoint: Endpoint) -> None:
        """The same for one endpoint: its options (``--driver-opt``), and what was chosen for it."""

    @abstractmethod
    def gateway_needs(self) -> GatewayNeeds:
        """Before addresses are given out: who needs no gateway (engine 28 and later ask)."""

    def mtu_link(self) -> IfName | None:
        """A link that may be there before the network, whose MTU the network takes."""
        return None

    def adopted_bridge(self) -> IfName | None:
        """A bridge that the user named, which may be there before the network."""
        return None

    def parent_use(self) -> ParentUse | None:
        """The link of the host that containers' links stand on, if it is not the network's own."""
        return None

    def check_parent(self, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        """Before creation: refuse a parent that cannot carry the network.

        ``links`` are those of ``parent_use`` that are there.  Answers what may trouble the
        network nevertheless, each a sentence with its remedy.
        """
        return ()

    def dhcp_use(self) -> DhcpUse | None:
        """How containers get addresses by DHCP; None of a network whose IPAM has them."""
        return None

    def hosts(self) -> tuple[IPAddress, ...] | None:
        """Of a network that may be on several hosts, those that the user named; None of any other."""
        return None

    def check_underlay(self, underlay: Underlay) -> int:
        """Before creation: refuse an MTU that does not fit between hosts; answers the largest."""
        return underlay.mtu

    def is_encrypted(self) -> bool:
        """Whether such a network's datagrams are encrypted."""
        return False

    def tunnel(self) -> Tunnel | None:
        """What tells the network's datagrams between hosts from those of others."""
        return None

    def terms(self) -> Terms:
        """What the network must have alike on all hosts that share its subnets."""
        return Terms(options=common_terms(self, self.network.mode))

    def announcement(self, endpoint: Endpoint) -> Announcement | None:
        """What other hosts are told when the endpoint joins."""
        return None

    @abstractmethod
    def host_subnets(self) -> tuple[IPNetwork, ...]:
        """Subnets that the host has a way or a rule to: no other network can have one of those."""

    def shared_plan(self, endpoints: Sequence[Endpoint]) -> Plan:
        """What depends on which endpoints have joined; compared anew at every join and leave."""
        return Plan()

    @abstractmethod
    def network_plan(self) -> Plan:
        """What the network alone needs, from its creation to its deletion."""

    @cached_property
    def plan(self) -> Plan:
        """The same, made once."""
        return self.network_plan()

    @abstractmethod
    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        """The hardware address of an endpoint for which none was chosen."""

    @abstractmethod
    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        """What the endpoint needs from join to deletion, the link to hand over among it."""

    @abstractmethod
    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        """Where a binding is published.

        Nowhere if the network publishes nothing, or the endpoint lacks the family: a sandbox may
        have a gateway for each family, and both get all bindings.
        """

    def ports_plan(self, endpoint: Endpoint) -> Plan:
        """What the endpoint's published ports need, while it is the sandbox's gateway."""
        return Plan()

    @abstractmethod
    def attachment(self, endpoint: Endpoint) -> Attachment:
        """What dockerd does with the link in the sandbox."""

    def held_plan(self, endpoint: Endpoint) -> Plan:
        """Everything the host may hold for an endpoint."""
        return self.endpoint_plan(endpoint) | self.ports_plan(endpoint)

    def whole_plan(self, endpoints: Sequence[Endpoint]) -> Plan:
        """Everything the host may hold for the network, endpoints that never joined among it."""
        held = (self.held_plan(endpoint) for endpoint in endpoints)
        return together([self.plan, self.shared_plan(endpoints), *held])


def common_terms(bound: BoundNetwork, mode: str) -> dict[str, str]:
    """What networks of any mode have alike on all hosts, by name.  Raises InvalidOptionError."""
    network = bound.network
    subnets = ",".join(sorted(str(pool.prefix) for pool in network.pools))
    internal = {"internal": "true"} if network.internal else {}
    return {"mode": mode, "subnets": subnets, **internal, **bound.options.common()}


class Bind(Protocol):
    """How a mode makes a bound network, mostly its class of them; raises nothing."""

    def __call__(self, network: Network, options: Values) -> BoundNetwork:
        """The network with its options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One network mode."""

    mode: str
    options: tuple[Option[Any], ...] = ()
    endpoint_options: tuple[Option[Any], ...] = ()
    bind: Bind
