"""Macvlan mode: every container has a link on a parent, with a separate MAC address.

The parent's LAN sees a machine per container.  The kernel never delivers frames between the
parent itself and the macvlan links on it.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

from plugin.drivers import dhcp, host_access, host_shim, parent_modes, shim_ports
from plugin.drivers.base import BoundNetwork, Driver
from plugin.drivers.dhcp import DhcpUse
from plugin.drivers.endpoint_mac import MAC, made_mac
from plugin.drivers.host_access import HostAccess
from plugin.drivers.link_options import refuse_outside_gateways
from plugin.drivers.nic_hints import macvlan_hints, passthru_hints
from plugin.drivers.options import Option, container_values
from plugin.drivers.parent_checks import address_hints, check_parent, lan_hints
from plugin.drivers.parent_modes import Stack
from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress, handoff_name
from plugin.model.links import Macvlan, MacvlanMode
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
    name="macvlan_mode",
    parse=parent_modes.member(MacvlanMode),
    default=MacvlanMode.BRIDGE,
    expected="bridge, private, vepa or passthru",
    meaning="`bridge`: containers of one parent reach each other directly. `private`: they do not "
    "reach each other at all. `vepa`: by a switch that sends frames back where they came from. "
    "`passthru`: one container alone has the parent, and its MAC address.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (
    *parent_modes.COMMON,
    MODE,
    *host_access.OPTIONS,
    *dhcp.OPTIONS,
)
ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = (MAC, dhcp.NAME)


class MacvlanNetwork(BoundNetwork):
    """Links with MAC addresses of their own on a parent."""

    @cached_property
    def _stack(self) -> Stack:
        return parent_modes.read_stack(self.network, self.options)

    @cached_property
    def _host(self) -> HostAccess:
        return HostAccess(network=self.network, options=self.options, stack=self._stack)

    @property
    def _is_passthru(self) -> bool:
        return self.options[MODE] is MacvlanMode.PASSTHRU

    def check_options(self) -> None:
        self.options.check()
        host_access.check_options(self._host)
        mode = self.options[MODE]
        if self._host.has_access and mode is not MacvlanMode.BRIDGE:
            raise RefusedError(
                f"option host_access is true, and a link with macvlan_mode={mode.name.lower()} "
                "exchanges nothing with other links of its parent, the host's among them; choose "
                "macvlan_mode=bridge"
            )
        host_access.refuse_conflicts(self._host)
        dhcp.check_options(self.network, self.options, isolated=self._stack.own)

    def check_endpoint(self, endpoint: Endpoint) -> None:
        container_values(ENDPOINT_OPTIONS, endpoint.options).check()
        host_access.check_endpoint(self._host, endpoint)
        dhcp.check_endpoint(self.network, self.options, endpoint)

    def gateway_needs(self) -> GatewayNeeds:
        return parent_modes.gateway_needs(self._stack, leased=self.options[dhcp.DHCP])

    def mtu_link(self) -> IfName | None:
        return parent_modes.mtu_link(self._stack)

    def parent_use(self) -> ParentUse | None:
        """The shim's MAC address is derived of the parent's, and neighbours shall not learn another.

        With DHCP identities depend on it: in mode passthru the parent has a container's for a while, if one was
        chosen.
        """
        return parent_modes.parent_use(
            self._stack,
            kind=MACVLAN.mode,
            exclusive=self._is_passthru,
            addressed=self._host.has_access or self.options[dhcp.DHCP],
            first_mac=self._host.has_access or self.options[dhcp.DHCP],
        )

    def check_parent(self, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        hints = check_parent(self._stack, links)
        if not self.options[dhcp.DHCP]:
            hints += address_hints(self.network)
            hints += lan_hints(self.network, self._stack, links)
        for link in links.values():
            if link.wireless and not self._is_passthru:
                raise RefusedError(
                    f"parent {link.ifname} is a Wi-Fi link, whose access point drops frames of MAC "
                    "addresses that it did not admit; choose mode=ipvlan or another parent"
                )
            hints += passthru_hints(link) if self._is_passthru else macvlan_hints(link)
        return hints

    def terms(self) -> Terms:
        return parent_modes.terms(self)

    def dhcp_use(self) -> DhcpUse | None:
        """In mode passthru the host's kernel makes the container's address, too, and hears nobody there."""
        use = host_access.dhcp_use(self._host)
        if use is None or not self._is_passthru:
            return use
        avoided = frozenset(each for each in use.avoid if each.version == 4)
        return replace(use, only_mac=self.network.parent_mac, avoid=avoided)

    def host_subnets(self) -> tuple[IPNetwork, ...]:
        return host_access.host_subnets(self._host)

    def network_plan(self) -> Plan:
        refuse_outside_gateways(self.network)
        resources = host_access.gateway_resources(self._host) | host_shim.network_resources(
            self._host
        )
        return parent_modes.parent_plan(self.network, self._stack) | Plan(resources=resources)

    def mac_address(self, endpoint: Endpoint) -> MacAddress:
        """In mode passthru the parent's, which is the kernel's to give."""
        return MacAddress("") if self._is_passthru else made_mac(self.network, endpoint)

    def endpoint_plan(self, endpoint: Endpoint) -> Plan:
        stack = self._stack
        link = Macvlan(
            ifname=handoff_name(endpoint.id),
            parent=stack.parent,
            mode=self.options[MODE],
            mac_address=endpoint.mac_address or None,
            mtu=stack.mtu or dhcp.leased_mtu(endpoint, self.network.uplink_mtu),
            owner=f"{self.network.id}/{endpoint.id}",
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
        attachment = parent_modes.attachment(self.network, self._stack, endpoint)
        return host_access.attached(self._host, endpoint, attachment)


MACVLAN: Final = Driver(
    mode="macvlan", options=OPTIONS, endpoint_options=ENDPOINT_OPTIONS, bind=MacvlanNetwork
)
