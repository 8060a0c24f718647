"""Explain why the kernel refused a link on a parent, and what helps.

The kernel answers with an error number and a short text, so pynet looks for the link in the way.
"""

import errno
from typing import Final

from plugin.errors import RefusedError
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName

NO_SUCH_KIND: Final = (errno.EOPNOTSUPP, errno.ENODEV)
_MODULES: Final = {"macvlan": "macvlan", "ipvlan": "ipvlan", "vlan": "8021q"}
# net/8021q/vlan.c, vlan_check_real_dev: the same number as for a kind that the kernel has not.
_NO_VLANS_THERE: Final = "VLANs not supported"


def child_refusal(
    rtnl: Rtnl, kind: str, parent: IfName, mtu: int | None, error: RtnlError
) -> RefusedError | None:
    """Of a macvlan or ipvlan link; None if the kernel did not refuse, but failed."""
    match error.code:
        case errno.EBUSY:
            other = "ipvlan" if kind == "macvlan" else "macvlan"
            return _cannot_carry(
                kind,
                parent,
                error,
                "it is a port of a bridge, a bond or Open vSwitch (take it out of there), or "
                f"{other} links stand on it (choose mode={other}); or choose another parent",
            )
        case errno.EINVAL:
            return _cannot_carry(kind, parent, error, _why_invalid(rtnl, kind, parent, mtu))
        case code if code in NO_SUCH_KIND:
            return _no_such_kind(kind, error)
        case _:
            return None


def vlan_refusal(parent: IfName, error: RtnlError) -> RefusedError | None:
    """Of a VLAN; None if the kernel did not refuse, but failed."""
    if _NO_VLANS_THERE in str(error):
        return RefusedError(
            f"parent {parent} cannot carry VLANs ({error}); choose the Ethernet card itself, or a "
            "bridge or bond of such"
        )
    return _no_such_kind("vlan", error) if error.code in NO_SUCH_KIND else None


def _why_invalid(rtnl: Rtnl, kind: str, parent: IfName, mtu: int | None) -> str:
    link = rtnl.link(parent)
    if link is not None and not link.ethernet:
        return "it is no Ethernet link; choose one that is as parent"
    if link is not None and mtu is not None and mtu > link.mtu:
        return (
            f"its MTU is {link.mtu}, and the network's is {mtu}; raise the one (ip link set {parent} "
            f"mtu {mtu}), or recreate the network with a lower mtu"
        )
    if kind == "macvlan":
        return (
            "a container in macvlan_mode=passthru has the parent exclusively, or needs it so and "
            "others are on it; stop the containers there, or choose another parent"
        )
    return "choose another parent"


def _cannot_carry(kind: str, parent: IfName, error: RtnlError, why: str) -> RefusedError:
    article = "an" if kind == "ipvlan" else "a"
    return RefusedError(f"parent {parent} cannot carry {article} {kind} link ({error}): {why}")


def _no_such_kind(kind: str, error: RtnlError) -> RefusedError:
    return RefusedError(
        f"this host's kernel makes no {kind} links ({error}); load its module "
        f"({_MODULES[kind]}), or choose another mode"
    )
