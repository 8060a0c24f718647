"""Renders the tables of options in docs/reference from what the modes declare."""

import re
from enum import Enum, IntEnum
from typing import Any, Final

from plugin.drivers.options import Option
from plugin.drivers.registry import driver_for
from plugin.wire.labels import SHORT_NAMES

# Defaults that depend on something else, in words.
DEFAULTS: Final = {
    ("bridge", "mtu"): "the uplink's",
    ("bridge", "bridge_name"): "`pnb-…`",
    ("overlay", "mtu"): "what fits",
    ("overlay", "bridge_name"): "`pnb-…`",
    ("overlay", "vni"): "made from the subnets",
    ("macvlan", "mtu"): "the parent's",
    ("macvlan", "host_address"): "the parent's",
    **{
        (mode, name): words
        for mode in ("bridge", "macvlan", "ipvlan")
        for name, words in (("servers", "all"), ("deny_servers", "none"))
    },
    **{
        (mode, "no_default_route"): "`false`" for mode in ("bridge", "overlay", "macvlan", "ipvlan")
    },
    ("ipvlan", "mtu"): "the parent's",
    ("ipvlan", "host_address"): "the network's own",
}
_SERVICES: Final = "host_services"  # None is every one of them
# Docker's drivers have no longer names for these.
_SAME_NAMES: Final = ("parent", "macvlan_mode", "ipvlan_mode", "ipvlan_flag")
_NAMES: Final = {short: label for label, short in SHORT_NAMES.items()}
_PLACE: Final = re.compile(
    r"(<!-- options of (a \w+), made by tests/golden -->\n).*?(<!-- end -->)", re.DOTALL
)


def render(mode: str, page: str) -> str:
    """The page, with its tables anew."""
    driver = driver_for(mode)
    tables = {
        "a network": lambda: _network_table(mode, driver.options),
        "a container": lambda: _container_table(driver.options, driver.endpoint_options),
    }
    return _PLACE.sub(lambda place: place[1] + tables[place[2]]() + place[3], page)


def places(page: str) -> list[str]:
    """Which tables a page has."""
    return [place[2] for place in _PLACE.finditer(page)]


def _network_table(mode: str, options: tuple[Option[Any], ...]) -> str:
    if not options:
        return "It has no options.\n"
    lines = ["| option | Docker's name | default | meaning |", "|---|---|---|---|"]
    for option in options:
        name = option.name if option.name in _SAME_NAMES else _NAMES.get(option.name)
        docker = f"`{name}`" if name else ""
        default = DEFAULTS.get((mode, option.name)) or _shown(option)
        lines.append(f"| `{option.name}` | {docker} | {default} | {_meaning(option)} |")
    return "\n".join(lines) + "\n"


def _container_table(network: tuple[Option[Any], ...], options: tuple[Option[Any], ...]) -> str:
    if not options:
        return "Containers have none.\n"
    inherited = {option.name for option in network}
    lines = ["| option | default | meaning |", "|---|---|---|"]
    for option in options:
        default = "the network's" if option.name in inherited else _shown(option)
        lines.append(f"| `{option.name}` | {default} | {_meaning(option)} |")
    return "\n".join(lines) + "\n"


def _meaning(option: Option[Any]) -> str:
    return f"{option.meaning} Expected: {option.expected}."


def _shown(option: Option[Any]) -> str:
    value = option.default
    if option.name == _SERVICES and value is None:
        return "`allow`"
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, IntEnum):
        return f"`{value.name.lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"
