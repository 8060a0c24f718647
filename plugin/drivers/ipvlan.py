"""Ipvlan mode: every container has a link with addresses of its own on a parent link.

All of them have the parent's MAC address, so that a switch or an access point that admits one
address only has nothing to drop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from plugin.drivers import shim, stacked
from plugin.drivers.options import Option, check_known
from plugin.drivers.publishing import PUBLISH
from plugin.drivers.stacked import Stack
from plugin.errors import RefusedError
from plugin.model.ids import IfName, MacAddress, handoff_name
from plugin.model.network import (
    Attachment,
    Endpoint,
    GatewayNeeds,
    Network,
    PortBinding,
    PortTarget,
)
from plugin.model.parents import HostLink, ParentUse
from plugin.model.plan import Plan
from plugin.model.resources import Ipvlan, IpvlanFlag, IpvlanMode

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
OPTIONS: Final[tuple[Option[Any], ...]] = (*stacked.COMMON, MODE, FLAG, PUBLISH)


class IpvlanDriver:
    """``-o mode=ipvlan``."""

    mode: ClassVar[str] = "ipvlan"

    def check_options(self, network: Network) -> None:
        self._read(network)

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        check_known(endpoint.options, (), self.mode)
        if endpoint.mac_address:
            raise RefusedError(
                f"MAC address {endpoint.mac_address} cannot be had in mode ipvlan: all containers "
                "have their parent's; leave out --mac-address (and the setting PYNET_REQUIRES_MAC), "
                "or choose mode=macvlan"
            )

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        """The gateway is a machine of the LAN, or none is needed."""
        return GatewayNeeds(skip_ipv4=True, skip_ipv6=True)

    def parent(self, network: Network) -> IfName | None:
        use = self.parent_use(network)
        return None if use is None else use.parent

    def parent_use(self, network: Network) -> ParentUse | None:
        """The latest link's mode and flag are those of all (drivers/net/ipvlan/ipvlan_main.c)."""
        stack, mode, flag = self._read(network)
        setting = f"ipvlan_mode={mode.name.lower()} ipvlan_flag={flag.name.lower()}"
        return stacked.parent_use(stack, self.mode, setting=setting)

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        return stacked.check_parent(self._read(network)[0], links)

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        return Plan()

    def network_plan(self, network: Network) -> Plan:
        stacked.check_pools(network)
        plan = stacked.parent_plan(network, self._read(network)[0])
        return plan | Plan(resources=shim.gateway_resources(network))

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
        )
        requires = frozenset({stack.parent})
        return Plan(resources=frozenset({link}), requires=requires, handoff=link.ifname)

    def port_targets(
        self, network: Network, endpoint: Endpoint, binding: PortBinding
    ) -> tuple[PortTarget, ...]:
        return shim.port_targets(network, endpoint, binding)

    def ports_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        return Plan()

    def attachment(self, network: Network, endpoint: Endpoint) -> Attachment:
        """From mode l3 up there are no neighbours to ask for a gateway: everything is on the link."""
        stack, mode, _ = self._read(network)
        attachment = stacked.attachment(network, stack, endpoint)
        if mode is not IpvlanMode.L2 and not network.internal and not stack.own:
            plain = replace(attachment, gateway4=None, gateway6=None, routes=stack.routes)
            attachment = stacked.connected(plain, endpoint)
        return shim.attached(network, endpoint, attachment)

    def _read(self, network: Network) -> tuple[Stack, IpvlanMode, IpvlanFlag]:
        options = network.options
        check_known(options, OPTIONS, self.mode)
        shim.has_access(network)  # refuses what cannot be meant
        return stacked.read_stack(network), MODE.of(options), FLAG.of(options)
