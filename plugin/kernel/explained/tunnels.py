"""Links to other hosts, in clear and encrypted.

No key is shown: commands have a name in the place of each, and the keys come from the hosts' secret.
"""

from collections.abc import Iterator

from plugin.kernel.explained.wording import (
    ADD_LINK,
    GROUP,
    owned,
    setting,
    sized,
    typed,
    unless_there,
)
from plugin.kernel.links.vxlan import silence
from plugin.kernel.links.wireguard import MTU, ipv6_on
from plugin.model.commands import Command, Step
from plugin.model.network import IPAddress
from plugin.model.tunnels import FloodEntry, Vxlan, WireGuard, WireGuardPeer


def vxlan(value: Vxlan) -> Iterator[Command]:
    """Silent before it is up."""
    made = (*ADD_LINK, "name", value.ifname, *sized(None, value.mtu), *GROUP, "type", "vxlan")
    number = ("id", str(value.vni), "dstport", str(value.port))
    yield typed(Step.VXLAN, value, *made, *number, "local", str(value.local), "learning")
    yield setting(silence(value))
    yield owned(value)
    plug = ("ip", "link", "set", "dev", value.ifname, "master", value.master, "up")
    yield typed(Step.PLUG, value, *plug)


def flood_entry(value: FloodEntry) -> Iterator[Command]:
    """The device keeps several for the same hardware address."""
    added = ("bridge", "fdb", "append", value.mac_address, "dev", value.ifname)
    yield typed(Step.FLOOD, value, *added, "dst", str(value.peer), "self", "permanent")


def wireguard(value: WireGuard) -> Iterator[Command]:
    """Another encrypted network may have made it."""
    made = (*ADD_LINK, "name", value.ifname, *GROUP, "type", "wireguard")
    yield typed(Step.WIREGUARD, value, *made, condition=unless_there(value.ifname))
    key = ("private-key", f"FILE-WITH-PRIVATE-KEY-OF-{value.local}")
    port = ("wg", "set", value.ifname, "listen-port", str(value.port))
    yield typed(Step.WIREGUARD_KEY, value, *port, *key)
    yield setting(ipv6_on(value.ifname))
    yield owned(value)
    yield typed(Step.UP, value, "ip", "link", "set", "dev", value.ifname, "mtu", str(MTU), "up")
    address = ("ip", "address", "replace", str(value.interface), "dev", value.ifname, "nodad")
    yield typed(Step.WIREGUARD_ADDRESS, value, *address)


def wireguard_peer(value: WireGuardPeer) -> Iterator[Command]:
    """A plan always has the peer's endpoint."""
    if value.endpoint is not None:
        key = value.public_key or f"PUBLIC-KEY-OF-{value.endpoint}"
        peer = ("wg", "set", value.ifname, "peer", key)
        where = ("endpoint", _place(value.endpoint, value.port))
        allowed = ("allowed-ips", f"{value.inner}/{value.inner.max_prefixlen}")
        yield typed(Step.WIREGUARD_PEER, value, *peer, *where, *allowed)


def _place(address: IPAddress, port: int) -> str:
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
