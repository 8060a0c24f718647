"""What a bridge network needs on the host, containers or not."""

from ipaddress import ip_interface
from typing import Final

from plugin.drivers.bridge.options import (
    BRIDGE_NAME,
    GATEWAY_CONTAINER,
    ICC,
    INHIBIT_IPV4,
    ISOLATION,
    MASQUERADE,
    TRUSTED_INTERFACES,
    GatewayMode,
    Isolation,
)
from plugin.drivers.bridge.parsed import BridgeOptions
from plugin.drivers.host_services import HOST_SERVICES, host_service_elements
from plugin.drivers.link_options import refuse_outside_gateways
from plugin.errors import RefusedError
from plugin.model.addresses import Address
from plugin.model.ids import IfName, derived_mac
from plugin.model.links import Bridge
from plugin.model.network import IPAddress, Network, PoolData, Protocol
from plugin.model.resources import Resource
from plugin.model.rules import Element
from plugin.model.sysctls import Sysctl

_TRANSLATED: Final = (GatewayMode.NAT, GatewayMode.NAT_UNPROTECTED)


def check_pools(network: Network) -> None:
    """Refuse subnets that a bridge cannot serve."""
    for pool in network.pools:
        if pool.prefix.prefixlen == 0:
            raise RefusedError(
                f"subnet {pool.prefix} holds every address; mode bridge needs one of its own, "
                "give one with --subnet or leave out --ipam-driver null"
            )
    refuse_outside_gateways(network)


def network_resources(network: Network, options: BridgeOptions) -> frozenset[Resource]:
    """Everything but endpoints."""
    ifname = options.bridge
    bridge = Bridge(
        ifname=ifname,
        mac_address=derived_mac(network.id),
        mtu=options.mtu,
        mark=network.id,
        adoptable=options[BRIDGE_NAME] is not None,
    )
    return frozenset(
        {
            bridge,
            *_sysctls(network, ifname, options),
            *_addresses(network, ifname, options),
            *_membership(network, ifname, options),
            *host_service_elements(ifname, _host_services(network, options)),
            *(element for pool in network.pools for element in _subnet(network, options, pool)),
        }
    )


def _host_services(
    network: Network, options: BridgeOptions
) -> frozenset[tuple[Protocol, int]] | None:
    """None of a host that has no part in the network: a frame for it needs no address there.

    What the user says counts, and so does a bridge of the user's, where the host may have addresses.
    """
    modes = {options.modes[pool.prefix.version] for pool in network.pools}
    isolated = modes == {GatewayMode.ISOLATED}
    if HOST_SERVICES.name in options.values.texts or network.foreign_parent or not isolated:
        return options[HOST_SERVICES]
    return frozenset()


def forwarding(network: Network, options: BridgeOptions) -> list[Sysctl]:
    """What a container needs of the whole host; the network alone does not.

    The reconciler shuts FORWARD before it switches forwarding on; the engine does so, too.  After a
    boot, where pynet is first, the engine finds forwarding off and sets the policy of
    FORWARD to DROP when it switches it on (moby, setupIPForwarding).  Until 27 nothing else keeps
    others from what its containers have not published, and from using the host as their router.
    """
    settings = []
    if any(pool.prefix.version == 4 for pool in network.pools):
        settings.append(Sysctl(name="net/ipv4/ip_forward", value="1"))
    if _has_ipv6(network, options):
        settings.append(Sysctl(name="net/ipv6/conf/all/forwarding", value="1"))
    return settings


def _sysctls(network: Network, bridge: IfName, options: BridgeOptions) -> list[Sysctl]:
    """Advertisements are not believed.

    A bridge that exists keeps its owner's IPv6, which may be how the host is reached.
    """
    adopted = options[BRIDGE_NAME]
    settings = [
        Sysctl(name=f"net/ipv6/conf/{bridge}/accept_ra", value="0", adopted=adopted),
        # Without its link-local address the host asks for no neighbour (net/ipv6/ndisc.c), and
        # doubts it for two seconds after the first port came: nobody else can have it here.
        Sysctl(name=f"net/ipv6/conf/{bridge}/accept_dad", value="0", adopted=adopted),
    ]
    if _has_ipv6(network, options):
        settings.append(Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="0"))
    else:
        off = Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="1", adopted=adopted)
        settings.append(off)
    if options[GATEWAY_CONTAINER]:  # whose neighbours are told when the host stands in for them
        settings += [
            Sysctl(name=f"net/ipv4/conf/{bridge}/arp_notify", value="1"),
            Sysctl(name=f"net/ipv6/conf/{bridge}/ndisc_notify", value="1"),
        ]
    return settings


def _has_ipv6(network: Network, options: BridgeOptions) -> bool:
    return network.ipv6 and options.modes[6] is not GatewayMode.ISOLATED


def _addresses(network: Network, bridge: IfName, options: BridgeOptions) -> list[Address]:
    return [
        Address(ifname=bridge, interface=pool.gateway)
        for pool in network.pools
        if pool.gateway is not None
        and options.modes[pool.prefix.version] is not GatewayMode.ISOLATED
        and not (options[INHIBIT_IPV4] and pool.prefix.version == 4)
    ]


def _membership(network: Network, bridge: IfName, options: BridgeOptions) -> list[Element]:
    name = f'"{bridge}"'
    elements = [
        Element(container="pn_bridges", match=(name,)),
        Element(container="pn_same" if options[ICC] else "pn_apart", match=(name, name)),
    ]
    if network.foreign_parent:
        elements.append(Element(container="pn_adopted", match=(name,)))
    if network.internal:
        elements.append(Element(container="pn_internal", match=(name,)))
    if options[ISOLATION] is Isolation.STRICT:
        elements.append(Element(container="pn_strict", match=(name,)))
    if options[ISOLATION] is Isolation.OFF:
        elements.append(Element(container="pn_open", match=(name,)))
    elements += [
        Element(container="pn_trusted", match=(f'"{link}"', name))
        for link in options[TRUSTED_INTERFACES]
    ]
    for version, mode in options.modes.items():
        if mode is GatewayMode.NAT_UNPROTECTED:
            elements.append(Element(container=f"pn_unprotected{version}", match=(name,)))
        if mode is GatewayMode.ROUTED:
            elements.append(Element(container=f"pn_routed{version}", match=(name,)))
    return elements


def _subnet(network: Network, options: BridgeOptions, pool: PoolData) -> list[Element]:
    version = pool.prefix.version
    prefix = str(pool.prefix)
    elements = [Element(container=f"pn_subnets{version}", match=(prefix,))]
    if network.foreign_parent:
        elements.append(Element(container=f"pn_shared{version}", match=(prefix,)))
    translated = options[MASQUERADE] and options.modes[version] in _TRANSLATED
    if network.internal or not translated:
        return elements
    if version in options.sources:
        source = (str(options.sources[version]),)
        elements.append(Element(container=f"pn_sources{version}", match=(prefix,), data=source))
    else:
        elements.append(Element(container=f"pn_masquerade{version}", match=(prefix,)))
    return elements


def stand_ins(options: BridgeOptions, joined: frozenset[IPAddress]) -> frozenset[Resource]:
    """Addresses of gateway containers that are not there: the host answers in their place."""
    return frozenset(
        Address(
            ifname=options.bridge,
            interface=ip_interface(f"{address}/{address.max_prefixlen}"),
        )
        for address in options[GATEWAY_CONTAINER]
        if address not in joined
    )
