"""Hints about cards whose switch may drop frames with other MAC addresses than the card's.

Only the owner of the switch knows its rules.  The host only shows that such a switch exists, so
the network is not refused.
"""

from typing import Final

from plugin.model.parents import HostLink

# Cards that exist in virtual machines only.
_VIRTUAL_CARDS: Final = frozenset(
    {"ena", "gve", "hv_netvsc", "mana", "vif", "virtio_net", "vmxnet3", "xen_netfront"}
)
# Those made of a share of a physical card (SR-IOV) whose kernel driver is not that of the whole.
_SHARES: Final = frozenset(
    {"cxgb4vf", "fm10kvf", "i40evf", "iavf", "igbvf", "ixgbevf", "rvu_nicvf", "thunder-nicvf"}
)


def macvlan_hints(link: HostLink) -> tuple[str, ...]:
    """What may trouble containers with MAC addresses of their own."""
    if _is_share(link):
        hint = (
            f"parent {link.ifname} is a virtual function ({link.bus_driver}), and its card may drop "
            "frames of other MAC addresses; run 'ip link set CARD vf NUMBER spoofchk off trust on' "
            "where the card is, or choose mode=ipvlan"
        )
        return (hint,)
    if _is_virtual(link):
        hint = (
            f"parent {link.ifname} is a virtual card ({link.bus_driver}), and its switch may drop "
            "frames of other MAC addresses; allow promiscuous mode and forged transmits there, or "
            "choose mode=ipvlan"
        )
        return (hint,)
    return ()


def passthru_hints(link: HostLink) -> tuple[str, ...]:
    """The container has the parent's MAC address unless another is chosen, and gets all frames."""
    if not (_is_share(link) or _is_virtual(link) or link.wireless):
        return ()
    kind = "a Wi-Fi link" if link.wireless else f"a virtual card ({link.bus_driver})"
    hint = (
        f"parent {link.ifname} is {kind}, and macvlan_mode=passthru puts it into promiscuous mode and "
        "gives it the container's MAC address, if one is chosen; leave out --mac-address, or allow "
        "both where the card's frames go"
    )
    return (hint,)


def _is_share(link: HostLink) -> bool:
    return link.virtual_function or link.bus_driver in _SHARES


def _is_virtual(link: HostLink) -> bool:
    """Also a model of a real card, as hypervisors have them: every card that they give."""
    return link.bus_driver in _VIRTUAL_CARDS or (link.in_guest and bool(link.bus_driver))
