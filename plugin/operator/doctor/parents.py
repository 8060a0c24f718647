"""Networks that stand on a link of the host."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from plugin.drivers.options import FALSE
from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.host import Host
from plugin.operator.doctor.seen import SeenNetwork

_ON_PARENTS: Final = ("macvlan", "ipvlan")
_LAYER_3: Final = frozenset({"l3", "l3s"})


def host_apart(host: Host) -> Iterator[Finding]:
    """The kernel keeps the host and its macvlan containers apart."""
    for network in _on_parents(host):
        if network.options.get("host_access", "false").lower() in FALSE:
            yield Finding(
                cause=f"this host and the containers of network {network.label} do not reach each other: "
                f"the kernel keeps a parent ({network.parent}) and its {network.mode} links apart",
                remedy="if they should, recreate the network with -o host_access=true",
                about=(network.label,),
                hint=True,
            )


def other_lan(host: Host) -> Iterator[Finding]:
    """A subnet that is not the parent's LAN: the LAN's router does not know it."""
    for network in _on_parents(host):
        if network.options.get("ipvlan_mode", "l2") in _LAYER_3:
            continue
        prefixes = _prefixes(host.links.get(network.parent, {}))
        for subnet in network.subnets:
            lans = [each for each in prefixes if each.version == subnet.version]
            if lans and subnet.prefixlen and not any(each in subnet for each in lans):
                addresses = ", ".join(map(str, lans))
                yield Finding(
                    cause=f"subnet {subnet} of network {network.label} is not the LAN of its parent "
                    f"{network.parent} ({addresses}): no router there answers its containers",
                    remedy="recreate the network with the LAN's --subnet, --gateway and an --ip-range "
                    "that its DHCP server does not give",
                    about=(network.label,),
                )


def parent_down(host: Host) -> Iterator[Finding]:
    """A parent that is missing, down or without carrier."""
    for each in host.ask("/health")["degraded"]:
        if each["what"].startswith("parent "):
            yield Finding(cause=f"{each['what']}: {each['why']}", remedy=each["remedy"])


def own_mac_required(host: Host) -> Iterator[Finding]:
    """ipvlan links share their parent's MAC address, and PYNET_REQUIRES_MAC sets another."""
    if host.setup.settings.get("PYNET_REQUIRES_MAC", "false").lower() not in ("true", "1", "t"):
        return
    for network in host.networks:
        if network.mode == "ipvlan":
            yield Finding(
                cause=f"PYNET_REQUIRES_MAC is true, and network {network.label} is ipvlan, whose links "
                "have no MAC address of their own: its containers are refused",
                remedy="set PYNET_REQUIRES_MAC=false and restart pynet",
                about=(network.label,),
            )


def _on_parents(host: Host) -> Iterator[SeenNetwork]:
    return (each for each in host.networks if each.mode in _ON_PARENTS and each.parent)


def _prefixes(link: dict[str, Any]) -> list[Any]:
    """The host's own addresses on a link, but those that every link has."""
    found = (each for each in link.get("addr_info", ()) if each.get("scope") == "global")
    return [ip_address(each["local"]) for each in found]
