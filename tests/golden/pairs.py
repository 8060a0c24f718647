"""Cases in which every two values of a mode's options meet at least once, if they can.

Nobody reads so many pages; these are for what must be true of every combination.
"""

from collections.abc import Iterator
from itertools import combinations, product
from typing import Final

from plugin.errors import RefusedError
from tests.golden.case import DUAL, Case

_BASES: Final = tuple(product((DUAL, DUAL[:1], DUAL[1:]), (False, True)))  # subnets, internal
_PUBLISHERS: Final = ("", "publish=docker")
_LEASED: Final = (
    "dhcp=true release_after=12h servers=192.0.2.1 deny_servers=192.0.2.7 vendor_class=docker user_class=lab "
    "fqdn=server use_routes=false use_mtu=false conflict=wait identity=lan require=true +name=web"
)
_GATEWAYS: Final = ("none", "10.1.0.9")
_ON_PARENTS: Final = {
    "vlan": ("", "vlan=100"),
    "mtu": ("", "mtu=1400"),
    "iface_prefix": ("", "iface_prefix=lan"),
    "routes": ("", "routes=10.9.0.0/16", "routes=fd00:9::/64 via fd00:1::9"),
    "no_default_route": ("", "no_default_route=true", "no_default_route=ipv6"),
    "publish": _PUBLISHERS,
}
# By mode and axis: what can be said there, each a line of options; those of containers have a +.
_AXES: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "bridge": {
        "mtu": ("", "mtu=1400"),
        "bridge_name": ("", "bridge_name=lan"),
        "masquerade": ("", "masquerade=false"),
        "icc": ("", "icc=false", "icc=false +icc_allow=10.1.0.3", "icc=false +icc_allow=fd00:1::3"),
        "host_binding": ("", "host_binding=127.0.0.1", "host_binding=::1"),
        "gateway_mode_ipv4": (
            *("", "gateway_mode_ipv4=nat-unprotected", "gateway_mode_ipv4=routed"),
            "gateway_mode_ipv4=isolated",
        ),
        "gateway_mode_ipv6": (
            *("", "gateway_mode_ipv6=nat-unprotected", "gateway_mode_ipv6=routed"),
            "gateway_mode_ipv6=isolated",
        ),
        "inhibit_ipv4": ("", "inhibit_ipv4=true"),
        "trusted_interfaces": ("", "trusted_interfaces=eth0:eth1"),
        "host_ipv4": ("", "host_ipv4=192.0.2.2"),
        "host_ipv6": ("", "host_ipv6=fd00:99::2"),
        "iface_prefix": ("", "iface_prefix=net"),
        "isolation": ("", "isolation=off", "isolation=strict"),
        "host_services": ("", "host_services=deny", "host_services=53/udp,80"),
        "spoof_guard": ("", "spoof_guard=false", "+spoof_guard=false", "+spoof_guard=true"),
        "routes": (
            *("", "routes=10.9.0.0/16 via 10.1.0.9", "routes=fd00:9::/64"),
            "routes=0.0.0.0/0 via 10.1.0.9",
        ),
        "no_default_route": ("", "no_default_route=true", "no_default_route=ipv6"),
        "gateway_container": (
            *("", "gateway_container=10.1.0.5", "gateway_container=fd00:1::5"),
            "gateway_container=10.1.0.2 +gateway=true",
        ),
        "rate_to": ("", "rate_to=10mbit", "+rate_to=1mbit"),
        "rate_from": ("", "rate_from=10mbit", "+rate_from=1mbit"),
        "publish": _PUBLISHERS,
        "userland_proxy": ("", "userland_proxy=false"),
        "dhcp": (
            *("", f"bridge_name=lan ipv6=slaac {_LEASED}"),
            *(f"bridge_name=lan dhcp=true gateway={each}" for each in _GATEWAYS),
        ),
        "mac": ("", "+mac=02:11:22:33:44:55"),
    },
    # Those of mode bridge have met there; here they meet what makes the difference.
    "overlay": {
        "hosts": (
            "peers=192.0.2.2,192.0.2.3,192.0.2.4",
            "peers=192.0.2.2,192.0.2.3,192.0.2.4 vni=7 vxlan_port=4790 encrypted=false",
            "peers=192.0.2.2,192.0.2.3,192.0.2.4 encrypted=true wireguard_port=51841",
        ),
        "link": ("", "mtu=1400 bridge_name=lan iface_prefix=net"),
        "family": (
            *("", "gateway_mode_ipv4=routed gateway_mode_ipv6=routed"),
            "gateway_mode_ipv4=isolated gateway_mode_ipv6=isolated",
        ),
        "outside": ("", "masquerade=false", "host_ipv4=192.0.2.2 host_ipv6=fd00:99::2"),
        "inside": ("", "icc=false +icc_allow=10.1.0.3", "spoof_guard=false +spoof_guard=true"),
        "others": ("", "isolation=strict host_services=deny", "trusted_interfaces=eth0"),
        "ports": ("", "host_binding=127.0.0.1 userland_proxy=false", "publish=docker"),
        "ways": ("", "routes=fd00:9::/64 no_default_route=true inhibit_ipv4=true"),
        "rates": ("", "rate_to=10mbit rate_from=10mbit +rate_to=1mbit +rate_from=1mbit"),
        "mac": ("", "+mac=02:11:22:33:44:55"),
    },
    "macvlan": {
        **_ON_PARENTS,
        "parent": ("", "parent=eth0"),
        "macvlan_mode": ("", "macvlan_mode=vepa", "macvlan_mode=passthru"),
        "dhcp": ("", f"ipv6=slaac {_LEASED}", *(f"dhcp=true gateway={each}" for each in _GATEWAYS)),
        "host": (
            *("", "host_access=true", "host_access=true host_services=deny"),
            "host_access=true host_address=192.0.2.9,fd00:99::9 host_services=80",
        ),
        "mac": ("", "+mac=02:11:22:33:44:55"),
    },
    "ipvlan": {
        **_ON_PARENTS,
        "parent": ("", "parent=eth0"),
        "ipvlan_mode": ("", "ipvlan_mode=l3", "ipvlan_mode=l3s"),
        "ipvlan_flag": ("", "ipvlan_flag=private"),
        "dhcp": ("", f"ipv6=dhcp {_LEASED}", *(f"dhcp=true gateway={each}" for each in _GATEWAYS)),
        "host": (
            *("", "host_access=true host_address=10.1.0.77,fd00:1::77"),
            "host_access=true host_address=10.1.0.77,fd00:1::77 host_services=deny",
        ),
    },
}
_Choice = dict[str, str]
_Pair = tuple[tuple[str, str], tuple[str, str]]


def _pairs(mode: str) -> Iterator[_Pair]:
    axes = _AXES[mode]
    for one, other in combinations(axes, 2):
        yield from product(((one, a) for a in axes[one]), ((other, b) for b in axes[other]))


def _case(mode: str, choice: _Choice, base: tuple[tuple[str, ...], bool]) -> Case | None:
    """The case of a choice, unless it is refused."""
    options: dict[str, str] = {"mode": mode}
    container: dict[str, str] = {}
    for line in choice.values():
        # A space is within a value where no option follows.
        for word in line.replace(" via ", "~via~").split():
            name, _, value = word.replace("~", " ").partition("=")
            if name.startswith("+"):
                container[name[1:]] = value
            else:
                options[name] = value
    subnets, internal = base
    case = Case(mode=mode, options=options, container=container, internal=internal, subnets=subnets)
    try:
        case.check()
        case.plans()
    except RefusedError:
        return None
    return case


def _start(mode: str, pair: _Pair) -> tuple[_Choice, tuple[tuple[str, ...], bool]] | None:
    """On which network two values can be had together."""
    choice = dict(pair)
    possible = (base for base in _BASES if _case(mode, choice, base))
    return next(((choice, base) for base in possible), None)


def _grown(mode: str, pair: _Pair, open_: set[_Pair]) -> tuple[_Choice, Case] | None:
    """A case with these two values, and of the others those that meet most that is still open."""
    start = _start(mode, pair)
    if start is None:
        return None
    choice, base = start
    case = _case(mode, choice, base)
    for axis, lines in _AXES[mode].items():
        if axis in choice:
            continue
        ranked = sorted(lines, key=lambda line: -len(_met(mode, {**choice, axis: line}) & open_))
        for line in ranked:
            grown = _case(mode, {**choice, axis: line}, base)
            if grown is not None:
                choice, case = {**choice, axis: line}, grown
                break
    return None if case is None else (choice, case)


def _met(mode: str, choice: _Choice) -> set[_Pair]:
    known = [(axis, choice[axis]) for axis in _AXES[mode] if axis in choice]
    return set(combinations(known, 2))


def _paired(mode: str) -> Iterator[tuple[str, Case, set[_Pair]]]:
    open_ = set(_pairs(mode))
    for pair in _pairs(mode):
        if pair not in open_:
            continue
        open_.discard(pair)
        grown = _grown(mode, pair, open_)
        if grown is not None:
            choice, case = grown
            met = _met(mode, choice)
            open_ -= met
            yield " ".join([mode, *filter(None, choice.values())]), case, met


def axes(mode: str) -> set[str]:
    """Which options are said somewhere, those of containers with a ``+``."""
    lines = (line for lines in _AXES.get(mode, {}).values() for line in lines)
    return {word.partition("=")[0] for line in lines for word in line.split() if "=" in word}


def paired() -> dict[str, Case]:
    """The cases, by all that is said in them."""
    return {name: case for mode in _AXES for name, case, _ in _paired(mode)}


def unmet() -> list[_Pair]:
    """Which two values meet in no case, and would be taken together."""
    return [
        pair
        for mode in _AXES
        for met in [set().union(*(met for _, _, met in _paired(mode)))]
        for pair in _pairs(mode)
        if pair not in met and _start(mode, pair)
    ]
