"""Networks with one container each, of every option and of combinations that meet.

A plain case is shown whole: everything the host holds for it, in the order of making, and what
the engine is told.  Of every other it is shown what differs from the plain one with its subnets.
"""

from dataclasses import replace
from itertools import product
from typing import Final

from plugin.model.network import Protocol
from tests.fakes.values import a_binding
from tests.golden.case import DUAL, WEB, Case

ROUTED: Final = {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}
UNPROTECTED: Final = {
    "gateway_mode_ipv4": "nat-unprotected",
    "gateway_mode_ipv6": "nat-unprotected",
}
ISOLATED: Final = {"gateway_mode_ipv4": "isolated", "gateway_mode_ipv6": "isolated"}
LOCAL_DNS: Final = a_binding(5353, 53, host_ip="127.0.0.1", protocol=Protocol.UDP)

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
_TERMS: Final = {
    "servers": "192.0.2.1",
    "deny_servers": "192.0.2.7",
    "vendor_class": "docker",
    "user_class": "lab",
    "fqdn": "server",
    "use_routes": "false",
    "use_mtu": "false",
    "conflict": "wait",
    "identity": "lan",
    "require": "true",
}
_ON_LAN: Final = {"bridge_name": "br-lan", "dhcp": "true"}
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
    "dhcp": Case(options={**_ON_LAN, "release_after": "12h"}, adopted=True, bindings=()),
    "dhcp-terms": Case(options={**_ON_LAN, **_TERMS}, adopted=True, bindings=()),
    "dhcp-slaac": Case(options={**_ON_LAN, "ipv6": "slaac"}, adopted=True, bindings=()),
    "dhcp-gateway": Case(options={**_ON_LAN, "gateway": "10.1.0.9"}, adopted=True, bindings=()),
    "dhcp-gateway-none": Case(options={**_ON_LAN, "gateway": "none"}, adopted=True, bindings=()),
    "dhcp-name": Case(options=_ON_LAN, container={"name": "web"}, adopted=True, bindings=()),
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
    "dhcp-terms": _on_parent("macvlan", dhcp="true", **_TERMS),
    "dhcp-gateway": _on_parent("macvlan", dhcp="true", gateway="10.1.0.9"),
    "dhcp-gateway-none": _on_parent("macvlan", dhcp="true", gateway="none"),
    "dhcp-slaac": _on_parent("macvlan", dhcp="true", ipv6="slaac"),
    "dhcp-name": replace(_on_parent("macvlan", dhcp="true"), container={"name": "web"}),
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
    "dhcp": _on_parent("ipvlan", dhcp="true", release_after="12h", ipv6="dhcp"),
    "dhcp-terms": _on_parent("ipvlan", dhcp="true", **_TERMS),
    "dhcp-gateway": _on_parent("ipvlan", dhcp="true", gateway="10.1.0.9"),
    "dhcp-gateway-none": _on_parent("ipvlan", dhcp="true", gateway="none"),
    "dhcp-name": replace(_on_parent("ipvlan", dhcp="true"), container={"name": "web"}),
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
