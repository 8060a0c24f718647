"""Networks with one container each, of every option and of combinations that meet."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_interface
from typing import Any, Final

from plugin.drivers.registry import driver_for
from plugin.model.network import Endpoint, Network, PublishedPort
from plugin.model.resources import Element
from tests.fakes.values import a_binding, a_network, an_endpoint

DUAL: Final = ("10.1.0.0/24", "fd00:1::/64")
ROUTED: Final = {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}
UNPROTECTED: Final = {
    "gateway_mode_ipv4": "nat-unprotected",
    "gateway_mode_ipv6": "nat-unprotected",
}
ISOLATED: Final = {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A network as users make them, and a container with ``-p 8080:80`` on it."""

    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    host_ip: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    subnets: tuple[str, ...] = DUAL

    def elements(self) -> frozenset[Element]:
        """What the firewall is told."""
        network = a_network("golden", *self.subnets, options=self.options, **self.changes)
        driver = driver_for(network.mode)
        endpoint = an_endpoint(network, 2, options=self.container, sandbox_key="/sandbox")
        endpoint = replace(endpoint, published=self._published(network, endpoint))
        plan = driver.network_plan(network) | driver.shared_plan(network, (endpoint,))
        plan |= driver.endpoint_plan(network, endpoint) | driver.ports_plan(network, endpoint)
        return frozenset(each for each in plan.resources if isinstance(each, Element))

    def text(self) -> str:
        """One element a line."""
        lines = [
            f"{each.container}  {' . '.join(each.match)}"
            + (f" : {' . '.join(each.data)}" if each.data else "")
            for each in self.elements()
        ]
        return "\n".join(sorted(lines)) + "\n"

    def _published(self, network: Network, endpoint: Endpoint) -> tuple[PublishedPort, ...]:
        binding = a_binding(host_ip=self.host_ip)
        return tuple(
            PublishedPort(
                protocol=binding.protocol,
                host_ip=target.host_ip,
                host_port=binding.host_port if target.host_ip else 0,
                container_ip=target.container_ip,
                container_port=binding.container_port,
            )
            for target in driver_for(network.mode).port_targets(network, endpoint, binding)
        )


def _macvlan(**options: str) -> Case:
    changes = {
        "mode": "macvlan",
        "host_addresses": (ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64")),
    }
    return Case(options={"parent": "eth0", **options}, changes=changes)


CASES: Final = {
    "nothing-chosen": Case(),
    "ipv4": Case(subnets=DUAL[:1]),
    "ipv6": Case(subnets=DUAL[1:]),
    "two-subnets": Case(subnets=("10.1.0.0/24", "10.2.0.0/24", "fd00:1::/64")),
    "bridge-name": Case(options={"bridge_name": "br0"}),
    "masquerade-off": Case(options={"masquerade": "false"}),
    "host-addresses": Case(options={"host_ipv4": "192.0.2.2", "host_ipv6": "fd00:99::2"}),
    "host-ipv4-without-masquerade": Case(options={"host_ipv4": "192.0.2.2", "masquerade": "false"}),
    "internal": Case(changes={"internal": True}),
    "internal-isolated": Case(options=ISOLATED, changes={"internal": True}),
    "routed": Case(options=ROUTED),
    "routed-ipv6": Case(options={"gateway_mode_ipv6": "routed"}),
    "nat-unprotected": Case(options=UNPROTECTED),
    "nat-unprotected-strict": Case(options={**UNPROTECTED, "isolation": "strict"}),
    "isolation-off": Case(options={"isolation": "off"}),
    "isolation-strict": Case(options={"isolation": "strict"}),
    "icc-off": Case(options={"icc": "false"}),
    "icc-off-allowed": Case(
        options={"icc": "false"}, container={"icc_allow": "10.1.0.3,fd00:1::3"}
    ),
    "icc-off-routed": Case(options={**ROUTED, "icc": "false"}),
    "spoof-guard-off": Case(options={"spoof_guard": "false"}),
    "spoof-guard-off-for-one": Case(container={"spoof_guard": "false"}),
    "gateway-container": Case(options={"gateway_container": "10.1.0.2,fd00:1::2"}),
    "gateway-container-guarded": Case(
        options={"gateway_container": "10.1.0.2"}, container={"spoof_guard": "true"}
    ),
    "gateway-container-icc-off": Case(
        options={"gateway_container": "10.1.0.2,fd00:1::2", "icc": "false"}
    ),
    "host-services-deny": Case(options={"host_services": "deny"}),
    "host-services-ports": Case(options={"host_services": "53/udp,80,9/sctp"}),
    "trusted-interfaces": Case(options={"trusted_interfaces": "eth0:wg0"}),
    "host-binding": Case(options={"host_binding": "192.0.2.2"}),
    "published-on-loopback": Case(host_ip="127.0.0.1"),
    "published-on-loopback-ipv6": Case(host_ip="::1"),
    "published-on-one-address": Case(host_ip="fd00:99::2"),
    "published-by-docker": Case(options={"publish": "docker"}),
    "proxy-off": Case(options={"userland_proxy": "false"}),
    "proxy-off-ipv4": Case(options={"userland_proxy": "false"}, subnets=DUAL[:1]),
    "rates": Case(options={"rate_to": "10mbit", "rate_from": "10mbit"}),
    "inhibit-ipv4": Case(options={"inhibit_ipv4": "true"}),
    "macvlan-host-access": _macvlan(host_access="true"),
    "macvlan-host-access-internal": replace(
        _macvlan(host_access="true"), changes={**_macvlan().changes, "internal": True}
    ),
    "macvlan-host-services": _macvlan(host_access="true", host_services="53/udp,80"),
    "macvlan-published-by-docker": _macvlan(publish="docker"),
}
