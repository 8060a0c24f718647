"""The host's own addresses on our links."""

import errno
from typing import Any, Final

from plugin.kernel import links, netlink
from plugin.kernel.pyroute2_core import NetlinkError
from plugin.model.resources import Address

# An IPv6 address would be tentative, and so unusable, until the bridge has a port with carrier
# (linux/if_addr.h: IFA_F_NODAD); nobody else can have it on a bridge of ours.
_IFA_F_NODAD: Final = 0x02


def ensure(ipr: Any, address: Address) -> None:
    """Put the address on its link."""
    extra = {"flags": _IFA_F_NODAD} if address.interface.version == 6 else {}
    try:
        ipr.addr(
            "add",
            index=links.index_of(address.ifname),
            address=str(address.interface.ip),
            prefixlen=address.interface.network.prefixlen,
            **extra,
        )
    except NetlinkError as error:
        if netlink.code(error) != errno.EEXIST:
            raise


def remove(ipr: Any, address: Address) -> None:
    """Take the address off, if its link is ours."""
    link = links.find(ipr, address.ifname)
    if link is None or not links.is_ours(link):
        return
    try:
        ipr.addr(
            "del",
            index=link["index"],
            address=str(address.interface.ip),
            prefixlen=address.interface.network.prefixlen,
        )
    except NetlinkError as error:
        if not netlink.is_gone(error):
            raise


def read(ipr: Any, address: Address) -> Address | None:
    """The address, if its link has it."""
    link = links.find(ipr, address.ifname)
    if link is None:
        return None
    for found in ipr.addr("dump", index=link["index"]):
        same_length = found["prefixlen"] == address.interface.network.prefixlen
        if same_length and found.get_attr("IFA_ADDRESS") == str(address.interface.ip):
            return address
    return None
