"""Networks with one container each, of every option and of combinations that meet.

A plain case is shown whole: everything the host holds for it, in the order of making, and what
the engine is told.  Of every other it is shown what differs from the plain one with its subnets.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, ip_address, ip_interface
from itertools import groupby, product
from typing import Any, Final

from plugin.drivers.endpoint_mac import with_requested_mac
from plugin.drivers.registry import bind, check_endpoint, check_network
from plugin.firewall.fact_table import elements_of
from plugin.model.facts import Fact
from plugin.model.ids import MacAddress
from plugin.model.leases import Facts, Route
from plugin.model.network import Endpoint, Network, PortBinding, Protocol, PublishedPort
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
ROUTED: Final = {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}
UNPROTECTED: Final = {
    "gateway_mode_ipv4": "nat-unprotected",
    "gateway_mode_ipv6": "nat-unprotected",
}
ISOLATED: Final = {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"}
WEB: Final = a_binding()  # -p 8080:80
LOCAL_DNS: Final = a_binding(5353, 53, host_ip="127.0.0.1", protocol=Protocol.UDP)


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
    """What the facts are in nft's words: the kernel's lookups, not ours, decide about packets."""
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


_FAMILIES: Final = {
    "v4": DUAL[:1],
    "v6": DUAL[1:],
    "dual": DUAL,
    "two-subnets": ("10.1.0.0/24", "10.2.0.0/24"),
}
_KINDS: Final[dict[str, dict[str, str]]] = {
    "plain": {},
    "internal": {},
    "unmasked": {"masquerade": "false"},
    "routed": ROUTED,
    "unprotected": {"gateway_mode_ipv4": "nat-unprotected"},
    "strict": {"isolation": "strict", "icc": "false", "host_services": "53/udp,80"},
    "bare": {"isolation": "off", "spoof_guard": "false", "userland_proxy": "false"},
    "bounded": {"rate_to": "10mbit", "rate_from": "5mbit", "host_ipv4": "192.0.2.1"},
    "named": {"bridge_name": "lan", "mtu": "1400", "iface_prefix": "net"},
}
# Elsewhere they say nothing that the others do not.
_KINDS_OF: Final = {
    "v4": _KINDS.keys() - {"named"},
    "v6": _KINDS.keys() - {"named"},
    "two-subnets": {"plain", "bounded"},
}
_BRIDGES: Final = {
    f"{family}-{kind}": Case(
        options=options,
        subnets=subnets,
        internal=kind == "internal",
        bindings=(WEB,) if family == "v6" else (WEB, LOCAL_DNS),
    )
    for (family, subnets), (kind, options) in product(_FAMILIES.items(), _KINDS.items())
    if kind in _KINDS_OF.get(family, _KINDS)
} | {
    "three-subnets": Case(subnets=("10.1.0.0/24", "10.2.0.0/24", "fd00:1::/64")),
    "host-addresses": Case(options={"host_ipv4": "192.0.2.2", "host_ipv6": "fd00:99::2"}),
    "host-ipv4-without-masquerade": Case(options={"host_ipv4": "192.0.2.2", "masquerade": "false"}),
    "internal-isolated": Case(options=ISOLATED, internal=True),
    "routed-ipv6": Case(options={"gateway_mode_ipv6": "routed"}),
    "unprotected-both": Case(options=UNPROTECTED),
    "unprotected-strict": Case(options={**UNPROTECTED, "isolation": "strict"}),
    "icc-off": Case(options={"icc": "false"}),
    "icc-off-allowed": Case(
        options={"icc": "false"}, container={"icc_allow": "10.1.0.3,fd00:1::3"}
    ),
    "icc-off-routed": Case(options={**ROUTED, "icc": "false"}),
    "spoof-guard-off-for-one": Case(container={"spoof_guard": "false"}),
    "mac": Case(container={"mac": "02-11-22-33-44-55"}),
    "adopted": Case(options={"bridge_name": "br-lan"}, adopted=True),
    "gateway-container": Case(
        options={"gateway_container": "10.1.0.2,fd00:1::2"}, container={"gateway": "true"}
    ),
    "gateway-container-away": Case(options={"gateway_container": "10.1.0.5,fd00:1::5"}),
    "gateway-container-guarded": Case(
        options={"gateway_container": "10.1.0.2"},
        container={"gateway": "true", "spoof_guard": "true"},
    ),
    "gateway-container-icc-off": Case(
        options={"gateway_container": "10.1.0.2,fd00:1::2", "icc": "false"},
        container={"gateway": "true"},
    ),
    "host-services-deny": Case(options={"host_services": "deny"}),
    "host-services-ports": Case(options={"host_services": "53/udp,80,9/sctp"}),
    "trusted-interfaces": Case(options={"trusted_interfaces": "eth0:wg0"}),
    "host-binding": Case(options={"host_binding": "192.0.2.2"}),
    "published-on-loopback-ipv6": Case(bindings=(a_binding(host_ip="::1"),)),
    "published-on-one-address": Case(bindings=(a_binding(host_ip="fd00:99::2"),)),
    "carried-on-one-address": Case(
        options={"isolation": "strict"},
        subnets=DUAL[:1],
        bindings=(a_binding(host_ip="fd00:99::2"),),
    ),
    "published-by-docker": Case(options={"publish": "docker"}),
    "rates-of-one": Case(container={"rate_to": "10mbit", "rate_from": "5mbit"}),
    "inhibit-ipv4": Case(options={"inhibit_ipv4": "true"}),
    "routes": Case(options={"routes": "10.9.0.0/16 via 10.1.0.9; fd00:9::/64"}),
    "routes-by-itself": Case(options={"routes": "10.9.0.0/16 via 10.1.0.2; fd00:9::/64"}),
    "default-routes": Case(options={"routes": "0.0.0.0/0 via 10.1.0.9; ::/0 via fe80::1"}),
    "default-route-by-itself": Case(options={"routes": "0.0.0.0/0 via 10.1.0.2"}),
    "no-default-route": Case(options={"no_default_route": "true"}),
    "no-default-route-ipv6": Case(options={"no_default_route": "ipv6"}),
}


def _on_parent(mode: str, **options: str) -> Case:
    """Ports are published where the host reaches the container."""
    published = options.get("host_access") == "true"
    parent = {} if options.get("parent") == "" else {"parent": "eth0"}
    given = {name: value for name, value in options.items() if value}
    return Case(mode=mode, options={**parent, **given}, bindings=(WEB,) if published else ())


_OWN: Final = "10.1.0.77,fd00:1::77"
_STACKED: Final = {
    "plain": {},
    "isolated": {"parent": ""},
    "vlan": {"vlan": "100"},
    "vlan-by-name": {"parent": "eth0.200"},
    "mtu": {"mtu": "1400", "iface_prefix": "lan"},
    "routes": {"routes": "10.9.0.0/16 via 10.1.0.9"},
    "default-route": {"routes": "::/0 via fe80::1"},
    "no-default-route": {"no_default_route": "true"},
    "no-default-route-ipv6": {"no_default_route": "ipv6"},
    "published-by-docker": {"publish": "docker"},
    "host-access": {"host_access": "true"},
    "host-services": {"host_access": "true", "host_services": "53/udp,80"},
    "host-services-deny": {"host_access": "true", "host_services": "deny"},
}
_MACVLANS: Final = {
    **{name: _on_parent("macvlan", **options) for name, options in _STACKED.items()},
    **{mode: _on_parent("macvlan", macvlan_mode=mode) for mode in ("private", "vepa", "passthru")},
    "host-address": _on_parent("macvlan", host_access="true", host_address=_OWN),
    "host-address-outside": _on_parent(
        "macvlan", host_access="true", host_address="192.0.2.9,fd00:99::9"
    ),
    "host-access-internal": replace(_on_parent("macvlan", host_access="true"), internal=True),
    "mac": replace(_on_parent("macvlan"), container={"mac": "02:11:22:33:44:55"}),
    "dhcp": _on_parent("macvlan", dhcp="true", release_after="12h"),
}
_IPVLANS: Final = {
    **{
        name: _on_parent(
            "ipvlan", **options, **({"host_address": _OWN} if "host_access" in options else {})
        )
        for name, options in _STACKED.items()
    },
    **{mode: _on_parent("ipvlan", ipvlan_mode=mode) for mode in ("l3", "l3s")},
    **{flag: _on_parent("ipvlan", ipvlan_flag=flag) for flag in ("private", "vepa")},
    **{
        f"host-access-{mode}": _on_parent(
            "ipvlan", ipvlan_mode=mode, host_access="true", host_address=_OWN
        )
        for mode in ("l3", "l3s")
    },
    "host-access-internal": replace(
        _on_parent("ipvlan", host_access="true", host_address=_OWN), internal=True
    ),
}
_NAMED: Final = {"peers": "192.0.2.2,192.0.2.3,192.0.2.4"}
_OVERLAYS: Final = {
    "plain": Case(mode="overlay", options=_NAMED, bindings=(WEB, LOCAL_DNS)),
    "v4": Case(mode="overlay", options=_NAMED, subnets=DUAL[:1]),
    "numbered": Case(
        mode="overlay", options={**_NAMED, "vni": "7", "vxlan_port": "4790", "encrypted": "false"}
    ),
    "encrypted": Case(mode="overlay", options={**_NAMED, "encrypted": "true"}),
    "encrypted-by-ipv6": Case(
        mode="overlay",
        options={
            "peers": "fd00:99::2,fd00:99::3",
            "encrypted": "true",
            "wireguard_port": "51841",
        },
    ),
    "internal": Case(mode="overlay", options=_NAMED, internal=True),
    "by-ipv6": Case(mode="overlay", options={"peers": "fd00:99::2,fd00:99::3"}),
    # Each option of mode bridge once.
    "routed": Case(
        mode="overlay",
        options={
            **_NAMED,
            **ROUTED,
            "icc": "false",
            "isolation": "strict",
            "host_services": "53/udp",
            "trusted_interfaces": "eth0",
            "routes": "10.9.0.0/16 via 10.1.0.9",
            "no_default_route": "ipv6",
            "inhibit_ipv4": "true",
        },
        container={"icc_allow": "10.1.0.3,fd00:1::3", "mac": "02-11-22-33-44-55"},
    ),
    "translated": Case(
        mode="overlay",
        options={
            **_NAMED,
            "host_ipv4": "192.0.2.2",
            "host_ipv6": "fd00:99::2",
            "masquerade": "true",
            "rate_to": "10mbit",
            "rate_from": "5mbit",
            "bridge_name": "lan",
            "mtu": "1400",
            "iface_prefix": "net",
            "spoof_guard": "false",
            "host_binding": "192.0.2.2",
            "userland_proxy": "false",
            "publish": "pynet",
        },
        container={"spoof_guard": "true", "rate_to": "1mbit", "rate_from": "1mbit"},
    ),
}
CASES: Final = {
    f"{mode}/{name}": case
    for mode, cases in (
        ("bridge", _BRIDGES),
        ("overlay", _OVERLAYS),
        ("macvlan", _MACVLANS),
        ("ipvlan", _IPVLANS),
        ("null", {"plain": Case(mode="null")}),
    )
    for name, case in cases.items()
}


def plain_of(name: str) -> str:
    """The plain case that a case is shown beside; itself, if it is shown whole."""
    mode = CASES[name].mode
    plains = (f"{mode}/plain", *(f"{mode}/{family}-plain" for family in _FAMILIES))
    subnets = CASES[name].subnets
    return next((p for p in plains if p in CASES and CASES[p].subnets == subnets), name)
