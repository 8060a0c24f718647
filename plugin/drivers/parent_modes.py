"""What modes have in common whose links stand on a link of the host, their parent.

Containers are neighbours of the LAN there: the host neither routes nor filters for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from ipaddress import ip_network
from typing import Any, Final, TypeVar

from plugin.drivers import routes
from plugin.drivers.base import BoundNetwork, common_terms
from plugin.drivers.dhcp import IPV6, Ipv6, has_ipv6, with_leased_routes
from plugin.drivers.link_options import IFACE_PREFIX, mtu_option
from plugin.drivers.options import MIN_MTU_IPV6, Option, Values
from plugin.drivers.parent_choice import PARENT, VLAN, any_parent, vlan_number
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, dummy_name, handoff_name, link_name, vlan_name
from plugin.model.links import Dummy, Vlan
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPAddress,
    IPInterface,
    Network,
    StaticRoute,
)
from plugin.model.parents import ParentUse
from plugin.model.plan import Plan
from plugin.model.tunnels import Terms

E = TypeVar("E", bound=IntEnum)

ON_A_LAN: Final = "macvlan or ipvlan"
_EVERYWHERE: Final = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}


def member(kind: type[E]) -> Callable[[str], E]:
    """One of the kernel's numbers by its name in lower case.  Raises ValueError."""

    def read(text: str) -> E:
        try:
            return {each.name.lower(): each for each in kind}[text]
        except KeyError:
            raise ValueError(text) from None

    return read


MTU: Final = mtu_option(
    "MTU of the containers' links, the parent's at most. Default: the parent's."
)
COMMON: Final[tuple[Option[Any], ...]] = (PARENT, VLAN, MTU, IFACE_PREFIX, *routes.OPTIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The parent of a network, from its options.

    ``parent`` is always set: a link of the host, the ``vlan`` that pynet makes on one, or the
    network's ``own`` dummy link, which leads nowhere.
    """

    parent: IfName
    vlan: Vlan | None
    own: bool
    mtu: int | None
    options: Values


def read_stack(network: Network, options: Values) -> Stack:
    """What the common options come to.  Raises RefusedError."""
    parent = any_parent(options)
    vlan = _vlan(parent, options[VLAN])
    stack = Stack(
        parent=vlan.ifname if vlan else parent or dummy_name(network.id),
        vlan=None if network.foreign_parent else vlan,
        own=parent is None,
        mtu=options[MTU] or None,
        options=options,
    )
    if has_ipv6(network, options) and stack.mtu is not None and stack.mtu < MIN_MTU_IPV6:
        raise InvalidOptionError(
            MTU.name, stack.mtu, f"at least {MIN_MTU_IPV6} bytes on a network with IPv6"
        )
    return stack


def terms(bound: BoundNetwork) -> Terms:
    """What hosts of one LAN have alike: on one with Wi-Fi containers need another mode."""
    return Terms(options=common_terms(bound, ON_A_LAN))


def parent_plan(network: Network, stack: Stack) -> Plan:
    """The parent: it is to be there, or made of what is there, or made of nothing."""
    if stack.vlan is not None:
        resources = frozenset({stack.vlan})
        return Plan(resources=resources, requires=frozenset({stack.vlan.parent}))
    if not stack.own:
        return Plan(requires=frozenset({stack.parent}))
    dummy = Dummy(ifname=stack.parent, mtu=stack.mtu or network.uplink_mtu, owner=network.id)
    return Plan(resources=frozenset({dummy}))


def mtu_link(stack: Stack) -> IfName | None:
    """The parent that is not the network's own, whose MTU is that of links without one."""
    return None if stack.own else stack.parent


def parent_use(
    stack: Stack,
    *,
    kind: str,
    setting: str = "",
    exclusive: bool = False,
    addressed: bool = False,
    first_mac: bool = False,
) -> ParentUse | None:
    """The use of a parent that is not the network's own."""
    if stack.own:
        return None
    return ParentUse(
        parent=stack.parent,
        base=stack.vlan.parent if stack.vlan else None,
        kind=kind,
        setting=setting,
        exclusive=exclusive,
        addressed=addressed,
        first_mac=first_mac,
    )


def gateway_needs(stack: Stack, *, leased: bool = False) -> GatewayNeeds:
    """The first address of a LAN is usually a router's, so no container may get it by chance.

    An engine keeps an address free only if it is the network's gateway.  Where addresses are
    ``leased``, the server knows which are free.
    """
    return GatewayNeeds(skip_ipv4=stack.own or leased, skip_ipv6=stack.own)


def attachment(network: Network, stack: Stack, endpoint: Endpoint) -> Attachment:
    """The link, and the gateway the user named, which is a machine of the LAN.

    No bridge of Docker's is wanted beside it.  Where there is no gateway everybody is on the
    link: a default route by it keeps the engine's resolver asking others (from 26.1 it does
    so only for those that have a way out).
    """
    plain = Attachment(
        src_name=handoff_name(endpoint.id),
        dst_prefix=stack.options[IFACE_PREFIX],
        dst_name=endpoint.ifname,
        routes=routes.routes_for(stack.options, endpoint),
        disable_gateway_service=True,
    )
    if network.internal:
        return plain
    plain = replace(plain, routes=with_leased_routes(plain.routes, endpoint))
    there = () if stack.own else endpoint.interfaces
    lan = [(each.version, _gateway(network, endpoint, each)) for each in there]
    found = routes.with_gateways(plain, stack.options, endpoint, lan)
    if stack.own or found.gateway4 or found.gateway6:
        return found
    return connected(found, stack, endpoint)


def connected(plain: Attachment, stack: Stack, endpoint: Endpoint) -> Attachment:
    """The same, with everybody on the link; with addresses of the LAN's own, its routers say the way."""
    without = routes.families_without(stack.options)
    if stack.options[IPV6] is not Ipv6.OFF:
        without |= {6}
    versions = sorted({each.version for each in endpoint.interfaces} - without)
    defaults = tuple(StaticRoute(destination=_EVERYWHERE[version]) for version in versions)
    return replace(plain, routes=plain.routes + defaults)


def _vlan(parent: IfName | None, number: int | None) -> Vlan | None:
    """The VLAN from the option ``vlan``, or from a parent's name of the usual form."""
    if number is not None:
        if parent is None:
            raise RefusedError(
                f"option vlan is {number}, and there is no parent to have it; set parent, too"
            )
        return Vlan(ifname=vlan_name(parent, number), parent=parent, number=number)
    base, _, digits = (parent or "").rpartition(".")
    try:
        return Vlan(ifname=IfName(parent or ""), parent=link_name(base), number=vlan_number(digits))
    except ValueError:
        return None


def _gateway(network: Network, endpoint: Endpoint, interface: IPInterface) -> IPAddress | None:
    if endpoint.facts:  # the container's kernel has its IPv6 router of advertisements
        return endpoint.facts.router if interface.version == 4 else None
    for pool in network.pools:
        if interface.ip in pool.prefix:
            return pool.gateway.ip if pool.gateway else None
    return None
