"""What a bridge network needs on the host, containers or not."""

from ipaddress import ip_interface
from typing import Final

from plugin.drivers.bridged.options import (
    GATEWAY_CONTAINER,
    ICC,
    INHIBIT_IPV4,
    ISOLATION,
    MASQUERADE,
    TRUSTED_INTERFACES,
    GatewayMode,
    Isolation,
)
from plugin.drivers.bridged.parsed import BridgeOptions
from plugin.drivers.host_services import HOST_SERVICES, reached_services
from plugin.drivers.link_options import refuse_outside_gateways
from plugin.errors import RefusedError
from plugin.model.addresses import Address
from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.links import Bridge
from plugin.model.nat import Masquerade, SourceNat
from plugin.model.network import IPAddress, Network, PoolData, Protocol
from plugin.model.resources import Resource
from plugin.model.sysctls import Sysctl
from plugin.model.traffic import (
    AdoptedSubnet,
    ExposedBridge,
    Exposure,
    LinkRole,
    Role,
    Subnet,
    TrustedLink,
)

_TRANSLATED: Final = (GatewayMode.NAT, GatewayMode.NAT_UNPROTECTED)
_EXPOSED: Final = {
    GatewayMode.NAT_UNPROTECTED: Exposure.EVERYTHING,
    GatewayMode.ROUTED: Exposure.PING,
}


def check_pools(network: Network) -> None:
    """Refuse subnets that a bridge cannot serve.  Raises RefusedError."""
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
        mac_address=options.bridge_mac,
        mtu=options.mtu,
        owner=network.id,
        adoptable=options.named_bridge is not None,
    )
    return frozenset(
        {
            bridge,
            *_sysctls(network, ifname, options),
            *_addresses(network, ifname, options),
            *membership(network, ifname, options),
            *reached_services(ifname, _host_services(network, options)),
            *(fact for pool in network.pools for fact in _subnet(network, options, pool)),
        }
    )


def _host_services(
    network: Network, options: BridgeOptions
) -> frozenset[tuple[Protocol, int]] | None:
    """The services that containers reach; none if the host has no address on the network.

    A frame for the host needs no address there.  The user's option decides first; on an adopted
    bridge the host may have addresses, so the default is to allow them.
    """
    modes = {options.modes[pool.prefix.version] for pool in network.pools}
    isolated = modes == {GatewayMode.ISOLATED}
    if HOST_SERVICES.name in options.values.texts or network.foreign_parent or not isolated:
        return options[HOST_SERVICES]
    return frozenset()


def forwarding(network: Network, options: BridgeOptions) -> list[Sysctl]:
    """Host-wide settings that a container needs; the network alone does not.

    The reconciler shuts FORWARD before it switches forwarding on, and so does the engine.  So after
    a boot the engine must find forwarding off: only then it sets the policy of FORWARD to DROP
    (moby, setupIPForwarding).  Until 27 only that policy protects unpublished ports of its
    containers, and keeps others from using the host as their router.
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
    adopted = options.named_bridge
    settings = [
        Sysctl(name=f"net/ipv6/conf/{bridge}/accept_ra", value="0", adopted=adopted),
        # Without a link-local address the host asks for no neighbour (net/ipv6/ndisc.c).  Duplicate
        # detection would delay that address by two seconds; no other host can have it here.
        Sysctl(name=f"net/ipv6/conf/{bridge}/accept_dad", value="0", adopted=adopted),
    ]
    if _has_ipv6(network, options):
        settings.append(Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="0"))
    else:
        off = Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="1", adopted=adopted)
        settings.append(off)
    if options[
        GATEWAY_CONTAINER
    ]:  # announce to neighbours when the host takes over the gateway's address
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


def membership(network: Network, bridge: IfName, options: BridgeOptions) -> list[Fact]:
    """What the firewall must know of the bridge itself."""
    isolation = options[ISOLATION]
    roles = {
        Role.NETWORK: True,
        Role.CONNECTED: options[ICC],
        Role.APART: not options[ICC],
        Role.ADOPTED: network.foreign_parent,
        Role.INTERNAL: network.internal,
        Role.STRICT: isolation is Isolation.STRICT,
        Role.OPEN: isolation is Isolation.OFF,
    }
    return [
        *(LinkRole(link=bridge, role=role) for role, has in roles.items() if has),
        *(TrustedLink(link=link, bridge=bridge) for link in options[TRUSTED_INTERFACES]),
        *(
            ExposedBridge(bridge=bridge, version=version, exposure=_EXPOSED[mode])
            for version, mode in options.modes.items()
            if mode in _EXPOSED
        ),
    ]


def _subnet(network: Network, options: BridgeOptions, pool: PoolData) -> list[Fact]:
    version, prefix = pool.prefix.version, pool.prefix
    facts: list[Fact] = [Subnet(prefix=prefix)]
    if network.foreign_parent:
        facts.append(AdoptedSubnet(prefix=prefix))
    translated = options[MASQUERADE] and options.modes[version] in _TRANSLATED
    if network.internal or not translated:
        return facts
    if version in options.sources:
        facts.append(SourceNat(prefix=prefix, source=options.sources[version]))
    else:
        facts.append(Masquerade(prefix=prefix))
    return facts


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
