"""Links of bridges, of parents and of containers."""

from collections.abc import Iterator

from plugin.kernel.explained.wording import (
    ADD_LINK,
    GROUP,
    if_owned,
    owned,
    sized,
    typed,
    unless_there,
    up,
)
from plugin.kernel.explained.wording import setting as kernel_setting
from plugin.kernel.links.bridge_ports import GROUP_FORWARD
from plugin.kernel.links.shaping import LATENCY, burst
from plugin.kernel.links.shim import settings_of
from plugin.model.commands import Command, Step
from plugin.model.links import Bridge, Dummy, Hairpin, Ipvlan, Macvlan, Shim, Veth, Vlan
from plugin.model.shaping import IngressRedirect, RateLimit


def bridge(value: Bridge) -> Iterator[Command]:
    """A bridge that may have been there before is only set up."""
    size = sized(value.mac_address, value.mtu)
    made = (*ADD_LINK, "name", value.ifname, *size, *GROUP, "type", "bridge")
    if not value.adoptable:
        yield typed(Step.BRIDGE, value, *made)
        yield owned(value)
        yield up(value)
        return
    yield typed(Step.ADOPTABLE, value, *made, condition=unless_there(value.ifname))
    yield owned(value, if_owned(value.ifname))
    yield up(value)


def dummy(value: Dummy) -> Iterator[Command]:
    """A link that leads nowhere."""
    size = sized(None, value.mtu)
    yield typed(Step.DUMMY, value, *ADD_LINK, "name", value.ifname, *size, *GROUP, "type", "dummy")
    yield owned(value)
    yield up(value)


def vlan(value: Vlan) -> Iterator[Command]:
    """Another network, or another program, may have made it."""
    made = (*ADD_LINK, "link", value.parent, "name", value.ifname, *GROUP)
    kind = ("type", "vlan", "id", str(value.number))
    yield typed(Step.VLAN, value, *made, *kind, condition=unless_there(value.ifname))
    yield owned(value, if_owned(value.ifname))
    yield up(value)


def shim(value: Shim) -> Iterator[Command]:
    """With its settings before it is up: a router advertisement may come first."""
    if value.ipvlan_mode is None:
        kind: tuple[str, ...] = ("type", "macvlan", "mode", "bridge")
    else:
        kind = ("type", "ipvlan", "mode", value.ipvlan_mode.name.lower(), "bridge")
    size = sized(value.mac_address, value.mtu)
    made = (*ADD_LINK, "link", value.parent, "name", value.ifname, *size, *GROUP)
    yield typed(Step.SHIM, value, *made, *kind)
    yield from map(kernel_setting, settings_of(value))
    yield owned(value)
    yield up(value)


def veth(value: Veth) -> Iterator[Command]:
    """The pair, and the host's end plugged in."""
    made = (*ADD_LINK, "name", value.ifname, *sized(None, value.mtu), *GROUP, "type", "veth")
    peer = ("peer", "name", value.peer, *sized(value.peer_mac_address, value.mtu), *GROUP)
    end = ("ip", "link", "set", "dev", value.ifname)
    yield typed(Step.VETH, value, *made, *peer)
    yield owned(value)
    yield typed(Step.PLUG, value, *end, "master", value.master, "up")
    mask = ("type", "bridge_slave", "group_fwd_mask", hex(GROUP_FORWARD))
    yield typed(Step.PROTOCOLS, value, *end, *mask)


def macvlan(value: Macvlan) -> Iterator[Command]:
    """Down: the engine sets it up in the container."""
    size = sized(value.mac_address, value.mtu)
    made = (*ADD_LINK, "link", value.parent, "name", value.ifname, *size, *GROUP)
    kind = ("type", "macvlan", "mode", value.mode.name.lower())
    yield typed(Step.MACVLAN, value, *made, *kind)
    yield owned(value)


def ipvlan(value: Ipvlan) -> Iterator[Command]:
    """Down, and without addresses: the engine adds both in the container."""
    size = sized(None, value.mtu)
    made = (*ADD_LINK, "link", value.parent, "name", value.ifname, *size, *GROUP)
    kind = ("type", "ipvlan", "mode", value.mode.name.lower(), value.flag.name.lower())
    yield typed(Step.IPVLAN, value, *made, *kind)
    yield owned(value)


def hairpin(value: Hairpin) -> Iterator[Command]:
    """A flag of a bridge port."""
    yield typed(Step.HAIRPIN, value, "bridge", "link", "set", "dev", value.ifname, "hairpin", "on")


def redirect(value: IngressRedirect) -> Iterator[Command]:
    """An ifb link, and a filter that sends everything over it."""
    yield typed(Step.IFB, value, *ADD_LINK, "name", value.ifname, *GROUP, "type", "ifb")
    yield owned(value)
    yield up(value)
    queue = ("tc", "qdisc", "add", "dev", value.source, "handle", "ffff:", "ingress")
    yield typed(Step.INGRESS, value, *queue)
    added = ("tc", "filter", "add", "dev", value.source, "parent", "ffff:", "prio", "1")
    match = ("protocol", "all", "u32", "match", "u32", "0", "0")
    action = ("action", "mirred", "egress", "redirect", "dev", value.ifname)
    yield typed(Step.REDIRECT, value, *added, *match, *action)


def rate_limit(value: RateLimit) -> Iterator[Command]:
    """A token bucket; to tc ``bit`` are bits per second, and ``b`` are bytes."""
    queue = ("tc", "qdisc", "replace", "dev", value.ifname, "root", "handle", "1:", "tbf")
    bounds = ("rate", f"{value.rate}bit", "burst", f"{burst(value)}b", "latency", LATENCY)
    yield typed(Step.RATE, value, *queue, *bounds)
