"""The host's addresses on pynet's links, announced to neighbours (ARP, neighbour discovery)."""

import errno
import os
from typing import Final

from plugin.errors import RefusedError
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.links import ownership
from plugin.kernel.netlink.link_messages import IFA_F_NODAD, AddressInfo, LinkChange, LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.addresses import Address

_TELLING: Final = (5, 18)


class AddressHandler(OneByOne[Address]):
    """The host's addresses."""

    def ensure_one(self, session: Session, value: Address) -> None:
        """Put the address on its link.  Raises RefusedError if an ipvlan link has the address."""
        # An IPv6 address would be tentative, and so unusable, until the bridge has a port with
        # carrier.  No other host can have it on a bridge that pynet made.
        flags = IFA_F_NODAD if value.interface.version == 6 else 0
        index = ownership.index_of(value.ifname)
        try:
            session.rtnl.add_address(
                index, value.interface, flags=flags, protocol=ownership.ADDRESS_PROTOCOL
            )
        except RtnlError as error:
            if error.code == errno.EADDRINUSE:
                raise RefusedError(
                    f"address {value.interface.ip} is in use on another ipvlan link of the same "
                    "parent; choose another host_address"
                ) from error
            if error.code != errno.EEXIST:
                raise
            return
        if value.interface.network.num_addresses == 1:
            _announce(session.rtnl, value)

    def remove_one(self, session: Session, value: Address) -> None:
        """Remove the address, if pynet added it."""
        link = session.rtnl.link(value.ifname)
        found = None if link is None else _find(session.rtnl, link.index, value)
        if link is None or found is None or not _is_ours(link, found, value):
            return
        try:
            session.rtnl.delete_address(link.index, value.interface)
        except RtnlError as error:
            if not error.is_gone:
                raise

    def read_one(self, session: Session, value: Address) -> Address | None:
        """The address, if its link has it."""
        link = session.link(value.ifname)
        if link is None or _find(session.rtnl, link.index, value) is None:
            return None
        return value


def _is_ours(link: LinkInfo, found: AddressInfo, address: Address) -> bool:
    """Whether pynet added the address; on pynet's links no other program does.

    Before Linux 5.18 an adopted bridge does not show who added an address.  An address with a full
    prefix stands in for a container, so pynet added it; any other may have been there before.
    """
    if found.protocol == ownership.ADDRESS_PROTOCOL or ownership.is_ours(link):
        return True
    return not _kernel_tells() and address.interface.network.num_addresses == 1


def _kernel_tells() -> bool:
    """Whether the kernel keeps who added an address."""
    first, second = os.uname().release.split(".")[:2]
    return (int(first), int("".join(filter(str.isdigit, second)))) >= _TELLING


def _announce(rtnl: Rtnl, address: Address) -> None:
    """Announce to neighbours that the host has an address now which another link had before.

    The kernel announces (net/ipv4/devinet.c, net/ipv6/ndisc.c) when the hardware address is set, even
    to the same value, if arp_notify and ndisc_notify are on.  A raw socket would need CAP_NET_RAW.
    The hardware address of an ipvlan link cannot be set: it is its parent's.
    """
    link = rtnl.link(address.ifname)
    if link is not None and link.kind != "ipvlan":
        rtnl.change_link(link.index, LinkChange(mac_address=link.mac_address))


def _find(rtnl: Rtnl, index: int, address: Address) -> AddressInfo | None:
    packed = address.interface.ip.packed
    length = address.interface.network.prefixlen
    for found in rtnl.addresses(index, address.interface.version):
        if found.address == packed and found.prefixlen == length:
            return found
    return None
