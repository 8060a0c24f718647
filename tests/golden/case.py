"""One network with a container: what it asks for, and the page of what the host holds for it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_interface
from itertools import groupby
from typing import Any, Final

from plugin.drivers.endpoint_mac import with_requested_mac
from plugin.drivers.registry import bind, check_endpoint, check_network
from plugin.firewall.fact_table import elements_of
from plugin.model.facts import Fact
from plugin.model.ids import MacAddress
from plugin.model.leases import Facts, Route
from plugin.model.network import Endpoint, Network, PortBinding, PublishedPort
from plugin.model.plan import Plan, in_order
from plugin.model.resources import Resource
from tests.fakes.values import a_binding, a_network, a_pool, an_endpoint

DUAL: Final = ("10.1.0.0/24", "fd00:1::/64")
HOSTS: Final = (ip_interface("10.1.0.9/24"), ip_interface("fd00:1::9/64"))
PARENT_MAC: Final = MacAddress("02:00:00:00:00:ee")
LEASED: Final = IPv4Interface("10.1.0.2/24")
SAID: Final = Facts(
    router=IPv4Address("10.1.0.1"),
    routes=(Route(destination=IPv4Network("10.9.0.0/16"), gateway=IPv4Address("10.1.0.9")),),
    mtu=1400,
)
WEB: Final = a_binding()  # -p 8080:80


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A network as users make them, and a container with published ports on it."""

    mode: str = "bridge"
    options: dict[str, str] = field(default_factory=dict)
    container: dict[str, str] = field(default_factory=dict)
    bindings: tuple[PortBinding, ...] = (WEB,)
    internal: bool = False
    adopted: bool = False  # the bridge, or the parent, was there before
    subnets: tuple[str, ...] = DUAL

    @property
    def network(self) -> Network:
        """The network, as it is stored."""
        on_parent = {"host_addresses": HOSTS, "parent_mac": PARENT_MAC}
        network = a_network(
            "golden",
            *self.subnets,
            mode=self.mode,
            options=self.options,
            internal=self.internal,
            foreign_parent=self.adopted,
            **(on_parent if "parent" in self.options else {}),
            **_on_hosts(self.options.get("peers")),
        )
        if not self._is_leased:
            return network
        return replace(network, pools=(a_pool("0.0.0.0/0", gateway=None),), ipv6=False)

    @property
    def _is_leased(self) -> bool:
        """Whether the LAN's server gives addresses, and the null IPAM none."""
        return self.options.get("dhcp") == "true"

    def check(self) -> None:
        """Raises RefusedError for what a user cannot have."""
        network = self.network
        check_endpoint(check_network(network), self._container(network))

    def endpoint(self) -> Endpoint:
        """The container, with its ports published."""
        network = self.network
        endpoint = self._container(network)
        ports = tuple(
            PublishedPort(
                protocol=binding.protocol,
                host_ip=target.host_ip,
                host_port=binding.host_port if target.host_ip else 0,
                container_ip=target.container_ip,
                container_port=binding.container_port,
            )
            for binding in self.bindings
            for target in bind(network).port_targets(endpoint, binding)
        )
        return replace(endpoint, published=ports)

    def plans(self) -> dict[str, Plan]:
        """What the host holds, by what it holds it for."""
        bound, endpoint = bind(self.network), self.endpoint()
        return {
            "network": bound.network_plan() | bound.shared_plan((endpoint,)),
            "endpoint": bound.endpoint_plan(endpoint),
            "ports": bound.ports_plan(endpoint),
        }

    def facts(self) -> frozenset[Fact]:
        """What the firewall is told."""
        plans = self.plans().values()
        return frozenset(
            each for plan in plans for each in plan.resources if isinstance(each, Fact)
        )

    def page(self) -> str:
        """All of it, a line each."""
        lines = [line for what, part in self.parts().items() for line in (f"# {what}", *part)]
        return "\n".join(lines) + "\n"

    def beside(self, plain: "Case") -> str:
        """What is not as in the plain case, a line each."""
        found = []
        theirs, ours = plain.parts(), self.parts()
        for what in ours:
            before, after = Counter(theirs[what]), Counter(ours[what])
            lines = [f"- {line}" for line in (before - after).elements()]
            lines += [f"+ {line}" for line in (after - before).elements()]
            found += [f"# {what}", *lines] if lines else []
        return "\n".join(found or ["as the plain one"]) + "\n"

    def parts(self) -> dict[str, list[str]]:
        network, endpoint = self.network, self.endpoint()
        parts = {what: _rendered(plan) for what, plan in self.plans().items()}
        attachment = bind(network).attachment(endpoint)
        parts["attachment"] = [
            f"{name}={getattr(attachment, name)}" for name in attachment.__slots__
        ]
        return {
            what: [
                line.replace(endpoint.id, "ENDPOINT").replace(network.id, "NETWORK")
                for line in lines
            ]
            for what, lines in parts.items()
        }

    def _container(self, network: Network) -> Endpoint:
        plain = an_endpoint(network, 2, options=self.container, sandbox_key="/sandbox")
        if self._is_leased:
            plain = replace(plain, ipv4=LEASED, ipv6=None, facts=SAID)
        # One that is readable, unless the mode insists on its own.
        open_ = replace(plain, mac_address=MacAddress(""))
        if self.container.get("mac") or not bind(network).mac_address(open_):
            return with_requested_mac(open_)
        return plain


def _on_hosts(peers: str | None) -> dict[str, Any]:
    """The first of them is this one."""
    if peers is None:
        return {}
    own, *others = map(ip_address, peers.split(","))
    return {"local": own, "peers": tuple(others), "uplink_mtu": 1450 if own.version == 4 else 1430}


def _rendered(plan: Plan) -> list[str]:
    lines = [f"requires {name}" for name in sorted(plan.requires)]
    resources = in_order(sorted(plan.resources, key=repr))
    for are_facts, group in groupby(resources, lambda each: isinstance(each, Fact)):
        lines += (_elements if are_facts else _lines)(group)
    return lines


def _elements(resources: Iterable[Resource]) -> list[str]:
    """The facts as elements of nftables, which the kernel looks up to decide about packets."""
    facts = [each for each in resources if isinstance(each, Fact)]
    elements = {element for fact in facts for element in elements_of(fact)}
    return [
        f"element {each.set_name} {' . '.join(each.match)}"
        + (f" : {' . '.join(each.data)}" if each.data else "")
        for each in sorted(elements, key=repr)
    ]


def _lines(resources: Iterable[Resource]) -> Iterator[str]:
    for resource in resources:
        fields = (f"{name}={_value(getattr(resource, name))}" for name in resource.__slots__)
        yield f"{type(resource).__name__.lower()} {' '.join(fields)}"


def _value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
