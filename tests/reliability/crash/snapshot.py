"""What a host holds and what the plugin knows, in a form that can be compared.

Left out: numbers and addresses that the kernel chooses, and times.
"""

import sqlite3
import struct
import time
from contextlib import closing
from dataclasses import dataclass, fields, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.links.ownership import ADDRESS_PROTOCOL as PROTOCOL
from plugin.kernel.links.ownership import is_deleting, is_ours
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.netlink.rtnl import Rtnl
from tests.kernel.netns import wait_until
from tests.reliability.crash.leased import FILE

_ALIKE: Final = 3
_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 20.0
_MARK: Final = 0x800
_PROC: Final = Path("/proc/thread-self/net")
_RTM_GETROUTE: Final = 26  # linux/rtnetlink.h
_RTM_GETNEIGH: Final = 30
_RTMSG: Final = struct.Struct("=BBBBBBBBI")
_NDMSG: Final = struct.Struct("=BxxxiHBB")
_INDEX: Final = struct.Struct("=I")
_AF_BRIDGE: Final = 7  # linux/socket.h
_RT_TABLE_MAIN: Final = 254
_RTPROT_KERNEL: Final = 2
_NUD_PERMANENT: Final = 0x80
_DST, _LLADDR, _OIF, _PREFSRC = 1, 2, 4, 7  # RTA_DST and NDA_DST are the same
LEASE: Final = ("endpoint_id", "granted", "seat", "lease.address")
QUERIES: Final = {
    "state": (
        "pynet.db",
        (
            "SELECT id, record FROM network",
            "SELECT id, record FROM endpoint",
            "SELECT network_id, client, "
            + ", ".join(f"record ->> '$.{each}'" for each in LEASE)
            + " FROM lease",
        ),
    ),
    "addresses": (
        "ipam.db",
        (
            "SELECT id, prefix, ranges, exclusions, owner, network, released, kin FROM pools",
            "SELECT pool, hex(address), kind, state, name, mac, tag, endpoint FROM leases",
            "SELECT space, tenant, hex(address), name, mac, tag FROM reservations",
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Sets of lines, one set for each place where something may be left."""

    links: frozenset[str]
    addresses: frozenset[str]
    ways: frozenset[str]
    rules: frozenset[str]
    ports: frozenset[str]
    state: frozenset[str]
    leases: frozenset[str]
    granted: frozenset[str]

    def without(self, pool: str) -> "Snapshot":
        """The same, but for one pool."""
        kept = {each for each in self.leases if not each.startswith(f"('{pool}'")}
        return replace(self, leases=frozenset(kept))

    def difference(self, wanted: "Snapshot") -> str:
        """What is there and should not be, and what should be and is not; empty if all is well."""
        lines = []
        for field in fields(self):
            mine, theirs = getattr(self, field.name), getattr(wanted, field.name)
            lines += [f"  {field.name}: left over {each}" for each in sorted(mine - theirs)]
            lines += [f"  {field.name}: missing {each}" for each in sorted(theirs - mine)]
        return "\n".join(lines)


class Camera:
    """Takes snapshots of the namespace it was made in."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._firewall = NftablesFirewall(DockerUser(_MARK), _MARK, NfTables())

    def settled(self) -> Snapshot:
        """Take a snapshot when nothing moves any more: the proxy closes ports by and by."""
        alike = [self.take()]
        while len(alike) < _ALIKE:
            time.sleep(_POLL_SECONDS)
            snapshot = self.take()
            alike = [*alike, snapshot] if snapshot == alike[-1] else [snapshot]
        return alike[-1]

    def difference(self, wanted: Snapshot, spare: str) -> str:
        """How things differ from a snapshot, but for one pool, and go on differing."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            found = self.take()
            difference = (found.without(spare) if spare else found).difference(wanted)
            if not difference or time.monotonic() > end:
                return difference
            time.sleep(_POLL_SECONDS)

    def take(self) -> Snapshot:
        """Look at everything, once what is left to the reaper is gone."""
        with conversation() as rtnl:
            wait_until(
                lambda: not any(map(is_deleting, rtnl.links())), "removed links are not deleted"
            )
            links, addresses = _links(rtnl)
            ways = _ways(rtnl)
        return Snapshot(
            links=links,
            addresses=addresses,
            ways=ways,
            rules=frozenset(
                str(each)
                for each in self._firewall.read()
                if not each.surrounding  # those follow others' bridges
            ),
            ports=_ports(),
            state=_rows(self._state, "state"),
            leases=_rows(self._state, "addresses"),
            granted=_granted(self._state.parent / FILE),
        )


def _links(rtnl: Rtnl) -> tuple[frozenset[str], frozenset[str]]:
    found = rtnl.links()
    names = {link.index: link.ifname for link in found}
    links, addresses = set(), set()
    for link in found:
        mac = link.mac_address if link.kind == "bridge" and is_ours(link) else ""
        links.add(
            f"{link.ifname} {link.kind} {mac} mtu {link.mtu} up {link.up} "
            f"master {names.get(link.master)} group {link.group} alias {link.alias} "
            f"hairpin {link.hairpin}"
        )
        for each in rtnl.addresses(link.index):
            if each.protocol == PROTOCOL:
                addresses.add(f"{link.ifname} {each.address.hex()}/{each.prefixlen}")
    return frozenset(links), frozenset(addresses)


def _ways(rtnl: Rtnl) -> frozenset[str]:
    """Routes, and hardware addresses of neighbours, that a program told the kernel.

    Also behind which host an overlay looks for whom.
    """
    names = {link.index: link.ifname for link in rtnl.links()}
    found = set()
    for body in rtnl.dump(_RTM_GETROUTE, _RTMSG.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)):
        _, length, _, _, table, protocol, *_ = _RTMSG.unpack_from(body)
        values = raw.attributes(body, _RTMSG.size)
        if table == _RT_TABLE_MAIN and protocol != _RTPROT_KERNEL and _OIF in values:
            link = names.get(_INDEX.unpack(values[_OIF])[0])
            to, source = (_address(values.get(each)) for each in (_DST, _PREFSRC))
            found.add(f"route {to}/{length} by {link} as {source} protocol {protocol}")
    for body in rtnl.dump(_RTM_GETNEIGH, _NDMSG.pack(0, 0, 0, 0, 0)):
        _, index, state, _, _ = _NDMSG.unpack_from(body)
        values = raw.attributes(body, _NDMSG.size)
        if state & _NUD_PERMANENT and _DST in values:
            mac = values.get(_LLADDR, b"").hex(":")
            found.add(f"neighbour {_address(values[_DST])} on {names.get(index)} is {mac}")
    for body in rtnl.dump(_RTM_GETNEIGH, _NDMSG.pack(_AF_BRIDGE, 0, 0, 0, 0)):
        _, index, state, _, _ = _NDMSG.unpack_from(body)
        values = raw.attributes(body, _NDMSG.size)
        if state & _NUD_PERMANENT and _DST in values:
            mac = values.get(_LLADDR, b"").hex(":")
            found.add(f"{mac} is behind {_address(values[_DST])} for {names.get(index)}")
    return frozenset(found)


def _address(packed: bytes | None) -> str:
    return str(ip_address(packed)) if packed else ""


def _ports() -> frozenset[str]:
    """Sockets that are bound, in any process: here, the plugin and its proxy."""
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in (_PROC / kind).read_text().splitlines()[1:]:
            found.add(f"{kind} {line.split()[1]}")
    return frozenset(found)


def _granted(leases: Path) -> frozenset[str]:
    """What a DHCP server believes: whose hardware address has which address."""
    if not leases.exists():
        return frozenset()
    lines = (line.split() for line in leases.read_text().splitlines())
    return frozenset(f"{line[1]} has {line[2]}" for line in lines if len(line) > 2)


def _rows(state: Path, name: str) -> frozenset[str]:
    file, queries = QUERIES[name]
    if not (state / file).exists():
        return frozenset()
    with closing(sqlite3.connect(f"file:{state / file}?mode=ro", uri=True, timeout=5)) as database:
        return frozenset(str(row) for query in queries for row in database.execute(query))
