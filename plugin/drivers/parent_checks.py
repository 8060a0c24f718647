"""What a link of the host must be to carry a network's links, and what may trouble them there."""

from collections.abc import Mapping
from typing import Final

from plugin.drivers.parent_choice import PARENT
from plugin.drivers.parent_modes import MTU, Stack
from plugin.errors import InvalidOptionError, RefusedError
from plugin.model.ids import IfName, short
from plugin.model.network import Network
from plugin.model.parents import HostLink

# Kinds of masters that take each frame of their ports before any other link gets it.
_TAKES_ALL: Final = frozenset({"bridge", "bond", "team"})
_OPEN_VSWITCH: Final = "openvswitch"


def check_parent(stack: Stack, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
    """Refuse a parent that can carry no links of any kind; answer hints.

    For a VLAN that is not there yet, the link below it is checked.

    Raises RefusedError, InvalidOptionError.
    """
    for name, found in links.items():
        if found.ifname != name:
            raise RefusedError(
                f"{name} is another name of link {found.ifname}, and of one link there must be one "
                f"parent for all networks; use {found.ifname} in its place"
            )
        if found.ours and found.vlan is None:
            raise RefusedError(
                f"link {name} is pynet's own, and goes with the network that it was made for; choose a "
                "link of the host, or connect the containers to that network"
            )
    link = links.get(stack.parent)
    if link is not None:
        _check_carrying(stack, link)
    elif stack.vlan is not None:
        link = links.get(stack.vlan.parent)
    if link is None:
        return ()
    _check_itself(link)
    if stack.mtu is not None and stack.mtu > link.mtu:
        raise InvalidOptionError(
            MTU.name, stack.mtu, f"at most {link.mtu} bytes, the MTU of parent {link.ifname}"
        )
    return _hints(stack, link)


def address_hints(network: Network) -> tuple[str, ...]:
    """Docker's null IPAM gives no addresses, and ``docker run`` says nothing of it."""
    if not network.pools or any(pool.prefix.prefixlen for pool in network.pools):
        return ()
    hint = (
        f"network {short(network.id)} has no subnet (--ipam-driver null), so its containers have no "
        "address that pynet knows of; create it with --subnet and without --ipam-driver null, unless "
        "they give themselves addresses"
    )
    return (hint,)


def lan_hints(network: Network, stack: Stack, links: Mapping[IfName, HostLink]) -> tuple[str, ...]:
    """A subnet that is not the parent's LAN, as Docker chooses one: nothing there answers its containers."""
    link = links.get(stack.parent)
    if link is None:
        return ()
    hints = []
    for pool in network.pools:
        lans = [each for each in link.addresses if each.version == pool.prefix.version]
        if lans and pool.prefix.prefixlen and not any(each.ip in pool.prefix for each in lans):
            hints.append(
                f"network {short(network.id)} has subnet {pool.prefix}, and its parent {link.ifname} is in "
                f"{', '.join(str(each.network) for each in lans)}, so no router there knows its containers; "
                "recreate it with that --subnet, --gateway and a free --ip-range"
            )
    return tuple(hints)


def _check_itself(link: HostLink) -> None:
    """It must lead somewhere, by Ethernet."""
    if link.loopback:
        raise InvalidOptionError(
            PARENT.name,
            link.ifname,
            "a link that leads out of the host; leave it out for an isolated network",
        )
    if not link.ethernet:
        raise RefusedError(
            f"parent {link.ifname} is no Ethernet link (a tunnel has no MAC addresses); choose the "
            "card, or a bridge, bond or VLAN of such"
        )


def _hints(stack: Stack, link: HostLink) -> tuple[str, ...]:
    """What keeps it from hearing anything now, which may be over later."""
    name = link.ifname
    if not link.up and stack.vlan is not None and name == stack.vlan.parent:
        raise RefusedError(
            f"parent {name} is down, and no VLAN of it can be up (net/8021q); bring it up: "
            f"ip link set {name} up"
        )
    if not link.up:
        hint = f"parent {name} is down, and its containers receive nothing until it is up: "
        return (f"{hint}ip link set {name} up",)
    if not link.carrier:
        return (f"parent {name} has no carrier; check the cable and the switch's port",)
    return ()


def _check_carrying(stack: Stack, link: HostLink) -> None:
    """The parent itself is there: it must be what was meant, and have its frames for itself."""
    if link.master_kind == _OPEN_VSWITCH:
        raise RefusedError(
            f"parent {link.ifname} is a port of Open vSwitch, which takes every frame; choose an "
            "internal port of that switch (ovs-vsctl add-port BRIDGE NAME -- set interface NAME "
            "type=internal), or a link that is not in one"
        )
    if link.master_kind in _TAKES_ALL:
        raise RefusedError(
            f"parent {link.ifname} is a port of a {link.master_kind}, which takes every frame; "
            f"choose the {link.master_kind} itself, or a link that is not in one"
        )
    vlan = stack.vlan
    if vlan is not None and (link.lower, link.vlan) != (vlan.parent, vlan.number):
        raise RefusedError(
            f"a link named {link.ifname} exists and is not VLAN {vlan.number} of {vlan.parent}; "
            "rename it, or choose another parent"
        )
