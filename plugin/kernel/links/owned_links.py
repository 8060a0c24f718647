"""Every link of ours, whoever asked for it: what a sweep compares with the state."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from plugin.kernel.links import ownership, shims, stacked, stacking, sysctls
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName, MacAddress
from plugin.model.resources import (
    Bridge,
    Detour,
    Dummy,
    Ipvlan,
    IpvlanFlag,
    IpvlanMode,
    LinkResource,
    Macvlan,
    MacvlanMode,
    RouteLocalnet,
    Shim,
    Veth,
    Vlan,
)


def read_marked(rtnl: Rtnl) -> frozenset[LinkResource]:
    """Every link of ours that is not doomed, peers excepted: they go with their pairs.

    So are VLANs that somebody else needs: they go when he does.
    """
    found = [link for link in rtnl.links() if _is_read(link)]
    return frozenset(
        _READERS[link.kind](link)
        for link in found
        if link.kind != "vlan" or not stacking.is_used(rtnl, link)
    )


def localnets(own: Iterable[LinkResource], root: Path) -> frozenset[RouteLocalnet]:
    """Where links of ours that lead to containers carry 127.0.0.0/8."""
    found = [
        sysctls.read_route_localnet(each.ifname, root)
        for each in own
        if isinstance(each, Bridge | Shim)
    ]
    return frozenset(each for each in found if each is not None)


def _is_read(link: LinkInfo) -> bool:
    if not ownership.is_ours(link) or link.kind not in _READERS:
        return False
    return link.kind != "veth" or ownership.mark_of(link) is not None or bool(link.master)


def _as_veth(link: LinkInfo) -> Veth:
    return Veth(
        ifname=link.ifname,
        peer=IfName(""),
        peer_mac_address=MacAddress(""),
        master=ownership.name_of(link.master),
        mtu=link.mtu,
        mark=ownership.mark_of(link) or "",
    )


def _as_ifb(link: LinkInfo) -> Detour | Dummy:
    """Which of both is in the mark: a detour is an endpoint's, a dummy is a network's."""
    mark = ownership.mark_of(link) or ""
    if mark and "/" not in mark:
        return Dummy(ifname=link.ifname, mtu=link.mtu, mark=mark)
    return Detour(ifname=link.ifname, source=IfName(""), mark=mark)


def _as_dummy(link: LinkInfo) -> Dummy:
    return Dummy(ifname=link.ifname, mtu=link.mtu, mark=ownership.mark_of(link) or "")


def _as_macvlan(link: LinkInfo) -> Macvlan | Shim:
    """Which of both is in the mark: a shim is a network's, the others are endpoints'."""
    mark = ownership.mark_of(link) or ""
    if mark and "/" not in mark:
        return shims.as_shim(link)
    return Macvlan(
        ifname=link.ifname,
        parent=ownership.name_of(link.parent),
        mode=MacvlanMode.BRIDGE,
        mac_address=link.mac_address,
        mtu=link.mtu,
        mark=mark,
    )


def _as_ipvlan(link: LinkInfo) -> Ipvlan | Shim:
    mark = ownership.mark_of(link) or ""
    if mark and "/" not in mark:
        return shims.as_shim(link)
    return Ipvlan(
        ifname=link.ifname,
        parent=ownership.name_of(link.parent),
        mode=IpvlanMode.L2,
        flag=IpvlanFlag.BRIDGE,
        mtu=link.mtu,
        mark=mark,
    )


def _as_vlan(link: LinkInfo) -> Vlan:
    return Vlan(
        ifname=link.ifname,
        parent=ownership.name_of(link.parent),
        number=stacked.vlan_number(link) or 0,
        mark=ownership.mark_of(link) or "",
    )


_READERS: Final[dict[str, Callable[[LinkInfo], LinkResource]]] = {
    "bridge": ownership.as_bridge,
    "veth": _as_veth,
    "ifb": _as_ifb,
    "dummy": _as_dummy,
    "macvlan": _as_macvlan,
    "ipvlan": _as_ipvlan,
    "vlan": _as_vlan,
}
