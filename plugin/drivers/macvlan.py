"""Macvlan mode: every container has a link with a MAC address of its own on a parent link.

The parent's LAN sees a machine per container.  What the kernel forbids is to be known: the
parent itself and its macvlan links never hear each other.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from plugin.drivers import shim, stacked
from plugin.drivers.chosen import MAC, made_mac
from plugin.drivers.doubtful import macvlan_hints, passthru_hints
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
from plugin.model.resources import Macvlan, MacvlanMode

MODE: Final = Option(
    name="macvlan_mode",
    parse=stacked.member(MacvlanMode),
    default=MacvlanMode.BRIDGE,
    expected="bridge, private, vepa or passthru",
    meaning="`bridge`: containers of one parent reach each other directly. `private`: they do not "
    "reach each other at all. `vepa`: by a switch that sends frames back where they came from. "
    "`passthru`: one container alone has the parent, and its MAC address.",
)
OPTIONS: Final[tuple[Option[Any], ...]] = (*stacked.COMMON, MODE, *shim.OPTIONS)
ENDPOINT_OPTIONS: Final[tuple[Option[Any], ...]] = (MAC,)


class MacvlanDriver:
    """``-o mode=macvlan``."""

    mode: ClassVar[str] = "macvlan"
    options: ClassVar[tuple[Option[Any], ...]] = OPTIONS
    endpoint_options: ClassVar[tuple[Option[Any], ...]] = ENDPOINT_OPTIONS

    def check_options(self, network: Network) -> None:
        shim.refuse_contradictions(network, self._read(network)[0])

    def check_endpoint(self, network: Network, endpoint: Endpoint) -> None:
        if shim.has_access(network):
            shim.check_endpoint(network, endpoint)

    def gateway_needs(self, network: Network) -> GatewayNeeds:
        return stacked.gateway_needs(self._read(network)[0])

    def parent(self, network: Network) -> IfName | None:
        use = self.parent_use(network)
        return None if use is None else use.parent

    def parent_use(self, network: Network) -> ParentUse | None:
        stack, mode = self._read(network)
        exclusive = mode is MacvlanMode.PASSTHRU
        addressed = shim.has_access(network)
        return stacked.parent_use(stack, self.mode, exclusive=exclusive, addressed=addressed)

    def check_parent(self, network: Network, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
        stack, mode = self._read(network)
        hints = stacked.check_parent(stack, links)
        for link in links.values():
            if link.wireless and mode is not MacvlanMode.PASSTHRU:
                raise RefusedError(
                    f"parent {link.ifname} is a Wi-Fi link, whose access point drops frames of MAC "
                    "addresses that it did not admit; choose mode=ipvlan or another parent"
                )
            passthru = mode is MacvlanMode.PASSTHRU
            hints += passthru_hints(link) if passthru else macvlan_hints(link)
        return hints

    def host_subnets(self, network: Network) -> tuple[IPNetwork, ...]:
        return shim.host_subnets(network)

    def shared_plan(self, network: Network, endpoints: Sequence[Endpoint]) -> Plan:
        return Plan()

    def network_plan(self, network: Network) -> Plan:
        stack, _ = self._read(network)
        stacked.check_pools(network)
        plan = stacked.parent_plan(network, stack)
        plan |= Plan(resources=shim.gateway_resources(network))
        if shim.has_access(network):
            plan |= Plan(resources=shim.network_resources(network, stack))
        return plan

    def mac_address(self, network: Network, endpoint: Endpoint) -> MacAddress:
        """In mode passthru the parent's, which is the kernel's to give."""
        if self._read(network)[1] is MacvlanMode.PASSTHRU:
            return MacAddress("")
        return made_mac(network, endpoint)

    def endpoint_plan(self, network: Network, endpoint: Endpoint) -> Plan:
        stack, mode = self._read(network)
        link = Macvlan(
            ifname=handoff_name(endpoint.id),
            parent=stack.parent,
            mode=mode,
            mac_address=endpoint.mac_address or None,
            mtu=stack.mtu,
            mark=f"{network.id}/{endpoint.id}",
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
        attachment = stacked.attachment(network, self._read(network)[0], endpoint)
        return shim.attached(network, endpoint, attachment)

    def _read(self, network: Network) -> tuple[Stack, MacvlanMode]:
        mode = MODE.of(network.options)
        if shim.has_access(network) and mode is not MacvlanMode.BRIDGE:
            raise RefusedError(
                f"option host_access is true, and a link with macvlan_mode={mode.name.lower()} "
                "exchanges nothing with other links of its parent, the host's among them; choose "
                "macvlan_mode=bridge"
            )
        return stacked.read_stack(network), mode
