"""Find the links stacked on a parent, including those in other network namespaces.

A namespace that a link was moved into has a number in this one (see ``sandboxes``).  For each of
its links it shows the namespace of the parent.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from plugin.kernel.links import ownership
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.link_messages import (
    IFA_F_PERMANENT,
    IFLA_IPVLAN_FLAGS,
    IFLA_IPVLAN_MODE,
    RT_SCOPE_GLOBAL,
    AddressInfo,
    LinkInfo,
)
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.links import IpvlanFlag, IpvlanMode, IpvlanSetting

_PAIRS: Final = frozenset({"veth", "netkit"})  # what they call their parent is their other end
_IPVLAN_KINDS: Final = frozenset({"ipvlan", "ipvtap"})
_BYTES_OF_IPV6: Final = 16


def standing_on(rtnl: Rtnl, index: int) -> Iterator[LinkInfo]:
    """Every link that has the one of that number as its parent."""
    yield from (each for each in _on(rtnl.links(), index) if each.parent_nsid is None)
    for _, inside in rtnl.links_elsewhere():
        # This namespace gets its number by this request, if it had none.
        here = rtnl.own_nsid()
        if here is not None:
            yield from (each for each in _on(inside, index) if each.parent_nsid == here)


def ipvlan_settings(rtnl: Rtnl, index: int) -> frozenset[IpvlanSetting]:
    """The settings of ipvlan links on the parent that do not belong to pynet."""
    return frozenset(
        _setting(link)
        for link in standing_on(rtnl, index)
        if link.kind in _IPVLAN_KINDS
        and not (ownership.is_ours(link) or ownership.is_deleting(link))
    )


def is_used(rtnl: Rtnl, link: LinkInfo) -> bool:
    """Whether others use pynet's link: by a link on it, a bridge that has it, or an address."""
    return (
        bool(link.master)
        or any(map(_is_chosen, rtnl.addresses(link.index)))
        or any(
            not (ownership.is_ours(each) or ownership.is_deleting(each))
            for each in standing_on(rtnl, link.index)
        )
    )


def _is_chosen(address: AddressInfo) -> bool:
    """Addresses of stateless autoconfiguration do not count: nobody configured them, and they expire."""
    passing = len(address.address) == _BYTES_OF_IPV6 and not address.flags & IFA_F_PERMANENT
    return address.scope == RT_SCOPE_GLOBAL and not passing


def _setting(link: LinkInfo) -> IpvlanSetting:
    mode, flags = (link.data.get(each) for each in (IFLA_IPVLAN_MODE, IFLA_IPVLAN_FLAGS))
    return IpvlanSetting(
        mode=IpvlanMode(raw.U16.unpack(mode)[0] if mode else IpvlanMode.L3),
        flag=IpvlanFlag(raw.U16.unpack(flags)[0] if flags else IpvlanFlag.BRIDGE),
    )


def _on(known: Iterable[LinkInfo], index: int) -> Iterator[LinkInfo]:
    return (each for each in known if each.parent == index and each.kind not in _PAIRS)
