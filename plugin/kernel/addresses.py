"""The host's own addresses on our links."""

import errno
from typing import Any, Final

from plugin.kernel import links, netlink
from plugin.kernel.pyroute2_core import NetlinkError
from plugin.model.resources import Address

# An IPv6 address would be tentative, and so unusable, until the bridge has a port with carrier
# (linux/if_addr.h: IFA_F_NODAD); nobody else can have it on a bridge of ours.
_IFA_F_NODAD: Final = 0x02
# Who put an address there (linux/if_addr.h, IFA_PROTO; 0 to 3 are the kernel's own): an adopted
# bridge keeps the addresses it had.
PROTOCOL: Final = 0x70


def ensure(ipr: Any, address: Address) -> None:
    """Put the address on its link."""
    extra = {"flags": _IFA_F_NODAD} if address.interface.version == 6 else {}
    try:
        ipr.addr(
            "add",
            index=links.index_of(address.ifname),
            address=str(address.interface.ip),
            prefixlen=address.interface.network.prefixlen,
            proto=PROTOCOL,
            **extra,
        )
    except NetlinkError as error:
        if netlink.code(error) != errno.EEXIST:
            raise


def remove(ipr: Any, address: Address) -> None:
    """Take the address off, if we put it there."""
    link = links.find(ipr, address.ifname)
    found = None if link is None else _find(ipr, link["index"], address)
    if found is None or found.get_attr("IFA_PROTO") != PROTOCOL:
        return
    try:
        ipr.addr(
            "del",
            index=found["index"],
            address=str(address.interface.ip),
            prefixlen=address.interface.network.prefixlen,
        )
    except NetlinkError as error:
        if not netlink.is_gone(error):
            raise


def read(ipr: Any, address: Address) -> Address | None:
    """The address, if its link has it."""
    link = links.find(ipr, address.ifname)
    if link is None or _find(ipr, link["index"], address) is None:
        return None
    return address


def _find(ipr: Any, index: int, address: Address) -> Any | None:
    for found in ipr.addr("dump", index=index):
        same_length = found["prefixlen"] == address.interface.network.prefixlen
        if same_length and found.get_attr("IFA_ADDRESS") == str(address.interface.ip):
            return found
    return None
