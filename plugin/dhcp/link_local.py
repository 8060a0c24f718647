"""By which address a link speaks IPv6 to its neighbours, as /proc/net/if_inet6 has it."""

from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

from plugin.model.ids import IfName

_FILE: Final = Path("/proc/net/if_inet6")  # net/ipv6/addrconf.c, if6_seq_show
_LINK: Final = 0x20  # IPV6_ADDR_LINKLOCAL
_UNUSABLE: Final = 0x40 | 0x08  # linux/if_addr.h: IFA_F_TENTATIVE, IFA_F_DADFAILED


def address_of(ifname: IfName, table: Path = _FILE) -> IPv6Address | None:
    """The link-local address, or None where IPv6 is off or looks yet whether it is free."""
    try:
        lines = table.read_bytes().splitlines()  # a name need not be text
    except OSError:
        return None
    for line in lines:
        packed, _, _, scope, flags, name = line.split()
        if name == ifname.encode() and int(scope, 16) == _LINK and not int(flags, 16) & _UNUSABLE:
            return IPv6Address(int(packed, 16))
    return None
