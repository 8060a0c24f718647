"""Bridge mode: containers of a network on a bridge of their own, behind the host.

The bridge has its MAC address from birth: without one the kernel gives it the lowest
of its ports' and changes it as ports come and go, and neighbours keep a stale entry.
Everything the firewall must know of a network is in sets and maps, so that a packet
costs the same with one network as with a thousand.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import ClassVar, Final

from plugin.drivers.options import (
    MAX_MTU,
    MIN_MTU,
    MIN_MTU_IPV6,
    Option,
    boolean,
    check_known,
    ifname,
    ifname_prefix,
    ipv4_address,
    mtu,
)
from plugin.errors import GatewayOutsideError, InvalidOptionError, RefusedError, UnknownOptionError
from plugin.model.ids import (
    IfName,
    MacAddress,
    bridge_name,
    derived_mac,
    handoff_name,
    port_name,
)
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPAddress,
    IPInterface,
    Network,
    PortBinding,
    PublishedPort,
)
from plugin.model.plan import Plan
from plugin.model.resources import (
    Address,
    Bridge,
    Element,
    Hairpin,
    HostPort,
    Resource,
    Sysctl,
    Veth,
)

MTU: Final = Option(
    name="mtu",
    parse=mtu,
    default=0,
    expected=f"a number of bytes from {MIN_MTU} to {MAX_MTU}",
    meaning="MTU of the bridge and of the containers' links. Default: that of the link of the "
    "host's default route.",
)
BRIDGE_NAME: Final = Option(
    name="bridge_name",
    parse=ifname,
    default=None,
    expected="a link name of 1 to 15 bytes without '/', ':' or spaces",
    meaning="Name of the bridge on the host. Default: derived from the network's id.",
)
MASQUERADE: Final = Option(
    name="masquerade",
    parse=boolean,
    default=True,
    expected="true or false",
    meaning="Hide the containers behind the host's address when they go out.",
)
HOST_BINDING: Final = Option(
    name="host_binding",
    parse=ipv4_address,
    default=IPv4Address(0),
    expected="an IPv4 address of the host",
    meaning="Host address for published ports that name none.",
)
IFACE_PREFIX: Final = Option(
    name="iface_prefix",
    parse=ifname_prefix,
    default="eth",
    expected="a link name of 1 to 13 bytes",
    meaning="Name of the link in the container, before its number.",
)
_ANY: Final = (IPv4Address(0), IPv6Address(0))
OPTIONS: Final = (MTU, BRIDGE_NAME, MASQUERADE, HOST_BINDING, IFACE_PREFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    bridge: IfName
    mtu: int
    masquerade: bool
    iface_prefix: str


class BridgeDriver:
    """``-o mode=bridge``, the default."""

    mode: ClassVar[str] = "bridge"

    def check_options(self, options: dict[str, str]) -> None:
        """Every option is read once, so that each bad value is refused before anything is made."""
        check_known(options, OPTIONS, self.mode)
        for option in OPTIONS:
            option.of(options)

    def check_endpoint_options(self, options: dict[str, str]) -> None:
        for name in options:
            raise UnknownOptionError(
                f"option {name} is unknown for a container in mode {self.mode}, which has none"
            )

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """The bridge has an address in every subnet, internal ones too, as Docker's has."""
        self.check_options(network.options)
        return GatewayNeeds()

    def network_plan(self, network: Network) -> Plan:
        self.check_options(network.options)
        options = _options(network)
        _check_pools(network)
        return Plan(
            resources=frozenset(
                {
                    Bridge(
                        ifname=options.bridge,
                        mac_address=derived_mac(network.id),
                        mtu=options.mtu,
                        mark=network.id,
                    ),
                    *_sysctls(network, options.bridge),
                    *_gateway_addresses(network, options.bridge),
                    *_network_elements(network, options),
                }
            )
        )

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        address = endpoint.ipv4 or endpoint.ipv6
        return derived_mac(network.id, str(address.ip) if address else endpoint.id)

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        options = _options(network)
        port = Veth(
            ifname=port_name(endpoint.id),
            peer=handoff_name(endpoint.id),
            peer_mac_address=endpoint.mac_address,
            master=options.bridge,
            mtu=options.mtu,
            mark=f"{network.id}/{endpoint.id}",
        )
        return Plan(resources=frozenset({port}), handoff=port.peer)

    def host_addresses(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[IPAddress, ...]:
        """Any address means one of each family that the container has, as it does to Docker."""
        if network.internal:
            return ()
        own = {interface.version for interface in endpoint.interfaces}
        if binding.host_ip is not None:
            if binding.host_ip.version not in own:
                raise RefusedError(
                    f"cannot publish port {binding.container_port} on {binding.host_ip}: "
                    f"the container has no IPv{binding.host_ip.version} address on this network"
                )
            return (binding.host_ip,)
        default = HOST_BINDING.of(network.options)
        if not default.is_unspecified:
            return (default,)
        return tuple(address for address in _ANY if address.version in own)

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        if not endpoint.published:
            return Plan()
        return Plan(
            resources=frozenset(
                {
                    Hairpin(ifname=port_name(endpoint.id)),
                    *(_host_port(port) for port in endpoint.published),
                    *(
                        _port_element(port)
                        for port in endpoint.published
                        if port.host_ip.version == port.container_ip.version
                    ),
                }
            )
        )

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """An internal network has no gateway: dockerd would apply one if it were returned."""
        options = _options(network)
        src_name = handoff_name(endpoint.id)
        if network.internal:
            return Attachment(src_name=src_name, dst_prefix=options.iface_prefix)
        gateway4 = _gateway(network, endpoint.ipv4)
        gateway6 = _gateway(network, endpoint.ipv6)
        return Attachment(
            src_name=src_name,
            dst_prefix=options.iface_prefix,
            gateway4=gateway4 if isinstance(gateway4, IPv4Address) else None,
            gateway6=None if isinstance(gateway6, IPv4Address) else gateway6,
        )


def _options(network: Network) -> _Options:
    wanted = MTU.of(network.options) or network.uplink_mtu
    if network.ipv6 and wanted < MIN_MTU_IPV6:
        raise InvalidOptionError(
            MTU.name, wanted, f"at least {MIN_MTU_IPV6} bytes on a network with IPv6"
        )
    return _Options(
        bridge=BRIDGE_NAME.of(network.options) or bridge_name(network.id),
        mtu=wanted,
        masquerade=MASQUERADE.of(network.options) and not network.internal,
        iface_prefix=IFACE_PREFIX.of(network.options),
    )


def _check_pools(network: Network) -> None:
    for pool in network.pools:
        if pool.prefix.prefixlen == 0:
            raise RefusedError(
                f"subnet {pool.prefix} holds every address; mode bridge needs one of its own, "
                "give one with --subnet or leave out --ipam-driver null"
            )
        if pool.gateway is not None and pool.gateway.ip not in pool.prefix:
            raise GatewayOutsideError(
                f"gateway {pool.gateway.ip} is outside its subnet {pool.prefix}; "
                f"choose an address of {pool.prefix}"
            )


def _sysctls(network: Network, bridge: IfName) -> list[Sysctl]:
    """Forwarding on; localhost reaches published ports; advertisements are not believed.

    route_localnet lets 127.0.0.1 be translated to a container (kernel doc ip-sysctl);
    the firewall drops what comes from a container for 127.0.0.0/8.
    """
    settings = [Sysctl(name=f"net/ipv6/conf/{bridge}/accept_ra", value="0")]
    if any(pool.prefix.version == 4 for pool in network.pools):
        settings += [
            Sysctl(name="net/ipv4/ip_forward", value="1"),
            Sysctl(name=f"net/ipv4/conf/{bridge}/route_localnet", value="1"),
        ]
    if network.ipv6:
        settings += [
            Sysctl(name="net/ipv6/conf/all/forwarding", value="1"),
            Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="0"),
        ]
    else:
        settings.append(Sysctl(name=f"net/ipv6/conf/{bridge}/disable_ipv6", value="1"))
    return settings


def _gateway_addresses(network: Network, bridge: IfName) -> list[Address]:
    return [
        Address(ifname=bridge, interface=pool.gateway)
        for pool in network.pools
        if pool.gateway is not None
    ]


def _network_elements(network: Network, options: _Options) -> list[Resource]:
    bridge = f'"{options.bridge}"'
    elements: list[Resource] = [
        Element(container="pn_bridges", match=(bridge,)),
        Element(container="pn_same", match=(bridge, bridge)),
    ]
    if network.internal:
        elements.append(Element(container="pn_internal", match=(bridge,)))
    for pool in network.pools:
        family = "4" if isinstance(pool.prefix, IPv4Network) else "6"
        prefix = str(pool.prefix)
        elements.append(Element(container=f"pn_subnets{family}", match=(prefix,)))
        if options.masquerade:
            elements.append(Element(container=f"pn_masquerade{family}", match=(prefix,)))
    return elements


def _host_port(port: PublishedPort) -> HostPort:
    return HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)


def _port_element(port: PublishedPort) -> Element:
    family = str(port.host_ip.version)
    where = (port.protocol.text, str(port.host_port))
    target = (str(port.container_ip), str(port.container_port))
    if port.host_ip.is_unspecified:
        return Element(container=f"pn_ports{family}", match=where, data=target)
    match = (str(port.host_ip), *where)
    return Element(container=f"pn_host_ports{family}", match=match, data=target)


def _gateway(network: Network, interface: IPInterface | None) -> IPAddress | None:
    """The gateway of the subnet the address lies in, unless an auxiliary address replaces it.

    ``DefaultGatewayIPv4`` and ``DefaultGatewayIPv6`` are Docker's names for it
    (moby, drivers/bridge: the container's gateway may be other than the bridge's address).
    """
    if interface is None:
        return None
    for pool in network.pools:
        if interface.ip in pool.prefix:
            other = pool.auxiliary.get(f"DefaultGatewayIPv{pool.prefix.version}")
            chosen = other or pool.gateway
            return chosen.ip if chosen else None
    return None
