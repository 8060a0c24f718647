"""Ipvlan mode: every container has a link on a parent, with separate IP addresses.

All of them have the parent's MAC address.  So a switch or an access point that admits only one
MAC address passes their frames.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from plugin.drivers import dhcp, host_access, host_shim, parent_modes, routes, shim_ports
from plugin.drivers.base import BoundNetwork, Driver
from plugin.drivers.dhcp import DhcpUse
from plugin.drivers.host_access import HostAccess
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.link_options import refuse_outside_gateways
from plugin.drivers.options import Option, container_values
from plugin.drivers.parent_checks import address_hints, check_parent, lan_hints
from plugin.drivers.parent_modes import Stack
from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress, handoff_name
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode, IpvlanSetting
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    IPNetwork,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan
from plugin.model.tunnels import Terms

MODE: Final = Option(
    name="ipvlan_mode",
    parse=parent_modes.member(IpvlanMode),
    default=IpvlanMode.L2,
    expected="l2, l3 or l3s",
    meaning="`l2`: containers are on the parent's LAN and receive its broadcasts. `l3`: the parent "
    "routes between containers and the LAN, which needs a route to their subnet. `l3s`: the same, "
    "by way of the host's netfilter and connection tracking.",
)
FLAG: Final = Option(
    name="ipvlan_flag",
    parse=parent_modes.member(IpvlanFlag),
    default=IpvlanFlag.BRIDGE,
    expected="bridge, private or vepa",
    meaning="`bridge`: containers of one parent reach each other directly. `private`: they do not "
    "reach each other at all. `vepa`: by a switch or router that sends back what came from them.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    *parent_modes.COMMON,
    MODE,
    FLAG,
    *host_access.OPTIONS,
    *dhcp.OPTIONS,
)
ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = (dhcp.NAME,)


class IpvlanNetwork(BoundNetwork):
    """Links with the parent's MAC address, and with IP addresses of their own."""

    @cached_property
    def _stack(self) -> Stack:
        return parent_modes.read_stack(self.network, self.options)

    @cached_property
    def _host(self) -> HostAccess:
        return HostAccess(
            network=self.network,
            options=self.options,
            stack=self._stack,
            ipvlan_mode=self.options[MODE],
        )

    @property
    def _has_neighbours(self) -> bool:
        return self.options[MODE] is IpvlanMode.L2

    def check_options(self) -> None:
        self.options.check()
        host_access.check_options(self._host)
        if self._host.has_access:
            self._check_access()
        host_access.refuse_conflicts(self._host)
        self._check_dhcp()
        if not self._has_neighbours:
            mode = f"{MODE.name}={self.options[MODE].name.lower()}"
            routes.refuse_conflicts(self.network, self.options, f"{mode} has no neighbours to ask")

    def check_endpoint(self, endpoint: Endpoint) -> None:
        if endpoint.mac_address:
            raise RefusedError(
                f"MAC address {endpoint.mac_address} is not possible in mode ipvlan: all containers "
                "have their parent's; leave out --mac-address, the option mac and the setting "
                "PYNET_REQUIRES_MAC, or choose mode=macvlan"
            )
        container_values(ENDPOINT_OPTIONS, endpoint.options).check()
        for interface in endpoint.interfaces:
            if interface.ip in {each.ip for each in self.network.host_addresses}:
                raise RefusedError(
                    f"address {interface.ip} is the host's on the parent, and would not reach it any "
                    f"more; keep it free with --aux-address host={interface.ip}, or choose another"
                )
        host_access.check_endpoint(self._host, endpoint)
        dhcp.check_endpoint(self.network, self.options, endpoint)

    def gateway_needs(self) -> GatewayNeeds:
        """From mode l3 up the LAN's router has no address of the network's."""
        if not self._has_neighbours:
            return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)
        return parent_modes.gateway_needs(self._stack, leased=self.options[dhcp.DHCP])

    def mtu_link(self) -> IfName | None:
        return parent_modes.mtu_link(self._stack)

    def parent_use(self) -> ParentUse | None:
        """The latest link's mode and flag are those of all (drivers/net/ipvlan/ipvlan_main.c).

        The host's addresses are known so that no container gets one: what comes to the parent for an
        address of one of its links is that link's.
        """
        setting = IpvlanSetting(mode=self.options[MODE], flag=self.options[FLAG])
        return parent_modes.parent_use(
            self._stack, kind=IPVLAN.mode, setting=setting.text, addressed=True
        )

    def check_parent(self, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        """Also refuse a host_address that the parent has: the host's link would get what comes for it."""
        stack = self._stack
        parent = links.get(stack.parent)
        there = () if parent is None else {each.ip for each in parent.addresses}
        for address in self.options[host_access.HOST_ADDRESS]:
            if address in there:
                raise RefusedError(
                    f"option host_address is {address}, which parent {stack.parent} has: what the LAN "
                    "sends there would not reach it any more; choose an address that is not in use"
                )
        hints = check_parent(stack, links)
        if not self.options[dhcp.DHCP]:
            hints += address_hints(self.network)
        if self.options[MODE] is IpvlanMode.L2:
            hints += lan_hints(self.network, stack, links)
        return hints

    def terms(self) -> Terms:
        return parent_modes.terms(self)

    def dhcp_use(self) -> DhcpUse | None:
        use = host_access.dhcp_use(self._host)
        return replace(use, shared_mac=self.network.parent_mac) if use else None

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return host_access.host_subnets(self._host)

    def network_plan(self) -> Plan:
        refuse_outside_gateways(self.network)
        resources = host_access.gateway_resources(self._host) | host_shim.network_resources(
            self._host
        )
        return parent_modes.parent_plan(self.network, self._stack) | Plan(resources=resources)

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        """The parent's, which dockerd must not try to set."""
        return MacAddress("")

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        stack = self._stack
        link = Ipvlan(
            ifname=handoff_name(endpoint.id),
            parent=stack.parent,
            mode=self.options[MODE],
            flag=self.options[FLAG],
            mtu=stack.mtu or dhcp.leased_mtu(endpoint, self.network.uplink_mtu),
            owner=f"{self.network.id}/{endpoint.id}",
            addresses=endpoint.interfaces,
        )
        return Plan(
            resources=host_shim.endpoint_resources(self._host, endpoint) | {link},
            requires=frozenset({stack.parent}),
            handoff=link.ifname,
        )

    def port_targets(self, endpoint: Endpoint, binding: PortBinding) -> tuple[PortTarget, ...]:
        return shim_ports.port_targets(self._host, endpoint, binding)

    def ports_plan(self, endpoint: Endpoint) -> Plan:
        return Plan(resources=shim_ports.port_resources(self._host, endpoint))

    def attachment(self, endpoint: Endpoint) -> Attachment:
        """From mode l3 up there are no neighbours to ask for a gateway: everything is on the link."""
        stack = self._stack
        attachment = parent_modes.attachment(self.network, stack, endpoint)
        if not self._has_neighbours and not self.network.internal and not stack.own:
            own = routes.routes_for(self.options, endpoint)
            plain = replace(attachment, gateway4=None, gateway6=None, routes=own)
            attachment = parent_modes.connected(plain, stack, endpoint)
        return host_access.attached(self._host, endpoint, attachment)

    def _check_dhcp(self) -> None:
        dhcp.check_options(self.network, self.options, isolated=self._stack.own)
        if not self.options[dhcp.DHCP]:
            return
        mode = self.options[MODE].name.lower()
        if not self._has_neighbours:
            raise RefusedError(
                f"option dhcp is true, and no broadcast reaches containers with ipvlan_mode={mode}; choose "
                "ipvlan_mode=l2"
            )

    def _check_access(self) -> None:
        mode, flag = self.options[MODE], self.options[FLAG]
        if self._stack.own:
            raise RefusedError(
                "option host_access is true, and an isolated ipvlan network has no MAC address to "
                "know its containers by; set parent, or choose mode=macvlan"
            )
        if flag is not IpvlanFlag.BRIDGE:
            raise RefusedError(
                f"option host_access is true, and a link with ipvlan_flag={flag.name.lower()} "
                "exchanges nothing with other links of its parent, the host's among them; choose "
                "ipvlan_flag=bridge"
            )
        if mode is not IpvlanMode.L2 and self.options[HOST_SERVICES] is not None:
            raise RefusedError(
                f"option host_services is {self.options.texts[HOST_SERVICES.name]!r}, and with "
                f"ipvlan_mode={mode.name.lower()} containers reach the host's other addresses past "
                "its link among them; choose ipvlan_mode=l2, or leave out host_services"
            )


IPVLAN: Final = Driver(
    mode="ipvlan", options=OPTIONS, endpoint_options=ENDPOINT_OPTIONS, bind=IpvlanNetwork
)
