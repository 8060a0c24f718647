"""What the host should hold for one network or endpoint.

A plan is a set: the order in which kinds are made is the same for all plans and is
written down here once.  Removal runs it backwards.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from plugin.model.addresses import Address, HostRoute
from plugin.model.facts import Fact
from plugin.model.ids import IfName, Key
from plugin.model.links import Bridge, Dummy, Hairpin, Ipvlan, Macvlan, Shim, Veth, Vlan
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.resources import Resource
from plugin.model.shaping import IngressRedirect, RateLimit
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuard, WireGuardPeer

# Ports are taken before anything can send to them, and rules let traffic in last.
ORDER: Final[tuple[type, ...]] = (
    Bridge,
    Dummy,
    Vlan,
    Shim,
    Sysctl,
    Address,
    Veth,
    Macvlan,
    Ipvlan,
    IngressRedirect,
    RateLimit,
    Hairpin,
    WireGuard,
    WireGuardPeer,
    Vxlan,
    FloodEntry,
    RouteLocalnet,
    HostRoute,
    HostPort,
    Fact,
    ProxiedPort,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Resources to hold, links that must be there first, and the link to hand over.

    ``requires`` names links of any maker: the user, or pynet for this network or another.
    ``links_of_others`` are those among them that the plan does not make.
    """

    resources: frozenset[Resource] = frozenset()
    requires: frozenset[IfName] = frozenset()
    handoff: IfName | None = None

    def __or__(self, other: "Plan") -> "Plan":
        return together([self, other])

    @property
    def links_of_others(self) -> frozenset[IfName]:
        """The required links that this plan does not make."""
        own = {resource.key for resource in self.resources}
        return frozenset(name for name in self.requires if ("link", name) not in own)

    def needs(self, resource: Resource) -> bool:
        """Whether the resource is of the plan, or a link that must be there."""
        return resource in self.resources or resource.key in self.links_there

    @property
    def links_there(self) -> frozenset[Key]:
        """The keys of the required links, in case pynet made them for another network."""
        return frozenset(("link", name) for name in self.requires)


def together(plans: Iterable[Plan]) -> Plan:
    """One plan of all, however many there are."""
    known = list(plans)
    return Plan(
        resources=frozenset().union(*(plan.resources for plan in known)),
        requires=frozenset().union(*(plan.requires for plan in known)),
        handoff=next((plan.handoff for plan in known if plan.handoff), None),
    )


def in_order(resources: Iterable[Resource]) -> list[Resource]:
    """The order to make resources in."""
    rank = {kind: rank for rank, kind in enumerate(ORDER)}
    return sorted(resources, key=lambda resource: rank.get(type(resource), rank[Fact]))
