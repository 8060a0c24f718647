"""The contract of a network mode: pure answers about what should be.

Every method may be called at any time and any number of times, with the same answer for
the same values.  Each raises RefusedError for what cannot be meant.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

from plugin.drivers.options import Option
from plugin.model.ids import IfName, MacAddress
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    Network,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan


class Driver(Protocol):
    """One network mode."""

    mode: ClassVar[str]
    options: ClassVar[tuple[Option[Any], ...]]
    endpoint_options: ClassVar[tuple[Option[Any], ...]]

    def check_options(self, network: Network) -> None:
        """Refuse options whose values mean nothing, each for itself or together."""

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        """The same for one endpoint: its options (``--driver-opt``), and what was chosen for it."""

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """Before addresses are given out: who needs no gateway (engine 28 and later ask)."""

    def parent(self, network: Network) -> IfName | None:
        """A link that may be there before the network, whose MTU the network takes."""

    def parent_use(self, network: Network) -> ParentUse | None:
        """The link of the host that containers' links stand on, if it is not the network's own."""

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        """Before creation: refuse a parent that cannot carry the network.

        ``links`` are those of ``parent_use`` that are there.  Answers what may trouble the
        network nevertheless, each a sentence with its remedy.
        """

    def host_subnets(self, network: Network) -> tuple[IPNetwork, ...]:
        """Subnets that the host has a way or a rule to: no other network can have one of those."""

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        """What depends on which endpoints have joined; compared anew at every join and leave."""

    def network_plan(self, network: Network) -> Plan:
        """What the network alone needs, from its creation to its deletion."""

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        """The hardware address of an endpoint for which nobody chose one."""

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        """What the endpoint needs from join to deletion, the link to hand over among it."""

    def port_targets(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[PortTarget, ...]:
        """Where a binding is published.

        Nowhere if the network publishes nothing, or the endpoint lacks the family: a sandbox may
        have a gateway for each, and all bindings are told to both.
        """

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        """What the endpoint's published ports need, while it is the sandbox's gateway."""

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """What dockerd does with the link in the sandbox."""
