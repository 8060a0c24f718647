"""Ipvlan mode: every container has a link with addresses of its own on a parent link.

All of them have the parent's MAC address, so that a switch or an access point that admits one
address only has nothing to drop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from plugin.drivers import routes, shim, stacked
from plugin.drivers.host_services import HOST_SERVICES
from plugin.drivers.options import Option
from plugin.drivers.stacked import Stack
from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress, handoff_name
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
from plugin.model.resources import Ipvlan, IpvlanFlag, IpvlanMode, IpvlanSetting

MODE: Final = Option(
    name="ipvlan_mode",
    parse=stacked.member(IpvlanMode),
    default=IpvlanMode.L2,
    expected="l2, l3 or l3s",
    meaning="`l2`: containers are on the parent's LAN and hear its broadcasts. `l3`: the parent "
    "routes between containers and the LAN, which needs a route to their subnet. `l3s`: the same, "
    "by way of the host's netfilter and connection tracking.",
)
FLAG: Final = Option(
    name="ipvlan_flag",
    parse=stacked.member(IpvlanFlag),
    default=IpvlanFlag.BRIDGE,
    expected="bridge, private or vepa",
    meaning="`bridge`: containers of one parent reach each other directly. `private`: they do not "
    "reach each other at all. `vepa`: by a switch or router that sends back what came from them.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (*stacked.COMMON, MODE, FLAG, *shim.OPTIONS)


class IpvlanDriver:
    """``-o mode=ipvlan``."""

    mode: ClassVar[str] = "ipvlan"
    options: ClassVar[tuple[Option[Any], ...]] = OPTIONS
    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ()

    def check_options(self, network: Network) -> None:
        stack, mode, _ = self._read(network)
        shim.refuse_contradictions(network, stack)
        if mode is not IpvlanMode.L2:
            name = mode.name.lower()
            routes.refuse_contradictions(network, f"{MODE.name}={name} has no neighbours to ask")

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        if endpoint.mac_address:
            raise RefusedError(
                f"MAC address {endpoint.mac_address} cannot be had in mode ipvlan: all containers "
                "have their parent's; leave out --mac-address, the option mac and the setting "
                "PYNET_REQUIRES_MAC, or choose mode=macvlan"
            )
        for interface in endpoint.interfaces:
            if interface.ip in {each.ip for each in network.host_addresses}:
                raise RefusedError(
                    f"address {interface.ip} is the host's on the parent, and would not reach it any "
                    f"more; keep it free with --aux-address host={interface.ip}, or choose another"
                )
        if shim.has_access(network):
            shim.check_endpoint(network, endpoint)

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """From mode l3 up the LAN's router has no address of the network's."""
        stack, mode, _ = self._read(network)
        if mode is not IpvlanMode.L2:
            return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)
        return stacked.gateway_needs(stack)

    def parent(self, network: Network) -> IfName | None:
        use = self.parent_use(network)
        return None if use is None else use.parent

    def parent_use(self, network: Network) -> ParentUse | None:
        """The latest link's mode and flag are those of all (drivers/net/ipvlan/ipvlan_main.c).

        The host's addresses are known so that no container gets one: what comes to the parent for an
        address of one of its links is that link's.
        """
        stack, mode, flag = self._read(network)
        setting = IpvlanSetting(mode=mode, flag=flag).text
        return stacked.parent_use(stack, self.mode, setting=setting, addressed=True)

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        """What comes to the parent for an address of one of its links is that link's."""
        stack, _, _ = self._read(network)
        parent = links.get(stack.parent)
        there = () if parent is None else {each.ip for each in parent.addresses}
        for address in shim.HOST_ADDRESS.of(network.options):
            if address in there:
                raise RefusedError(
                    f"option host_address is {address}, which parent {stack.parent} has: what the LAN "
                    "sends there would not reach it any more; choose an address that nobody has"
                )
        return stacked.check_parent(stack, links)

    def host_subnets(self, network: Network) -> tuple[IPNetwork, ...]:
        return shim.host_subnets(network)

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        return Plan()

    def network_plan(self, network: Network) -> Plan:
        stack, mode, _ = self._read(network)
        stacked.check_pools(network)
        plan = stacked.parent_plan(network, stack)
        plan |= Plan(resources=shim.gateway_resources(network))
        if shim.has_access(network):
            plan |= Plan(resources=shim.network_resources(network, stack, mode))
        return plan

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        """The parent's, which dockerd must not try to set."""
        return MacAddress("")

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        stack, mode, flag = self._read(network)
        link = Ipvlan(
            ifname=handoff_name(endpoint.id),
            parent=stack.parent,
            mode=mode,
            flag=flag,
            mtu=stack.mtu,
            mark=f"{network.id}/{endpoint.id}",
            addresses=endpoint.interfaces,
        )
        requires = frozenset({stack.parent})
        plan = Plan(resources=frozenset({link}), requires=requires, handoff=link.ifname)
        if shim.has_access(network):
            plan |= Plan(resources=shim.endpoint_resources(network, endpoint))
        return plan

    def port_targets(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[PortTarget, ...]:
        return shim.port_targets(network, endpoint, binding)

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        return Plan(resources=shim.port_resources(network, endpoint))

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """From mode l3 up there are no neighbours to ask for a gateway: everything is on the link."""
        stack, mode, _ = self._read(network)
        attachment = stacked.attachment(network, stack, endpoint)
        if mode is not IpvlanMode.L2 and not network.internal and not stack.own:
            own = routes.routes_for(network, endpoint)
            plain = replace(attachment, gateway4=None, gateway6=None, routes=own)
            attachment = stacked.connected(plain, network, endpoint)
        return shim.attached(network, endpoint, attachment)

    def _read(self, network: Network) -> tuple[Stack, IpvlanMode, IpvlanFlag]:
        options = network.options
        stack, mode, flag = stacked.read_stack(network), MODE.of(options), FLAG.of(options)
        if shim.has_access(network):
            _check_access(network, stack, mode, flag)
        return stack, mode, flag


def _check_access(network: Network, stack: Stack, mode: IpvlanMode, flag: IpvlanFlag) -> None:
    if stack.own:
        raise RefusedError(
            "option host_access is true, and an isolated ipvlan network has no MAC address to know "
            "its containers by; say parent, or choose mode=macvlan"
        )
    if flag is not IpvlanFlag.BRIDGE:
        raise RefusedError(
            f"option host_access is true, and a link with ipvlan_flag={flag.name.lower()} exchanges "
            "nothing with other links of its parent, the host's among them; choose "
            "ipvlan_flag=bridge"
        )
    if mode is not IpvlanMode.L2 and HOST_SERVICES.of(network.options) is not None:
        name = mode.name.lower()
        raise RefusedError(
            f"option host_services is {network.options[HOST_SERVICES.name]!r}, and with "
            f"ipvlan_mode={name} containers reach the host's other addresses past its link among "
            "them; choose ipvlan_mode=l2, or leave out host_services"
        )
