"""Which dockerd runs: the sockets it listens on, whose inode numbers no other dockerd has.

A plugin that dockerd runs shares the network namespace of its dockerd and no namespace of process
ids, so a peer of its socket shows no process.  dockerd 20.10 and 28 listen on ``metrics.sock``
before they ask a plugin for anything, and on the others when they are up (moby, daemon/metrics_unix.go,
libnetwork/sandbox_externalkey_unix.go, cluster/cluster.go).  ``docker.sock`` says nothing: systemd
keeps that socket from one dockerd to the next.

Any user may listen at a path or port like these, and would make the next dockerd look like the one
before.  So only root's count.  And a name may have line breaks, so the kernel's text may have rows
that are part of a name.
"""

import os
import re
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from plugin.kernel.netlink.messages import NetlinkError
from plugin.kernel.netlink.unix_diag import unix_sockets
from plugin.log import Log
from plugin.model.network import IPAddress

_LISTENING: Final = "00010000"  # linux/net.h, __SO_ACCEPTCON
_OF_DOCKERD: Final = re.compile(r".+/(metrics|swarm/control|libnetwork/[0-9a-f]+)\.sock")
_TABLE: Final = Path("/proc/thread-self/net/unix")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_TCP: Final = (Path("/proc/thread-self/net/tcp"), Path("/proc/thread-self/net/tcp6"))
_TCP_LISTEN: Final = "0A"  # net/tcp_states.h
# moby, libnetwork/networkdb: the agents of a swarm's engines gossip by this port, on each node.
_GOSSIP: Final = 7946
_TRUSTED: Final = (0, os.geteuid())  # whose sockets may be a dockerd's
_log: Final = Log("engine")


def of_root() -> frozenset[str] | None:
    """The inode numbers of root's sockets at such paths; None if the kernel does not tell users."""
    try:
        found = unix_sockets()
    except (NetlinkError, OSError) as error:
        _log.warning("users.not_read", reason=error)
        return None
    if found is None:
        return None
    return frozenset(
        str(each.inode)
        for each in found
        if each.user in (None, *_TRUSTED) and _OF_DOCKERD.fullmatch(each.name.rstrip("\0"))
    )


def engine_sockets(
    table: Path = _TABLE,
    boot: Path = _BOOT,
    own: Callable[[], frozenset[str] | None] = of_root,
) -> frozenset[str]:
    """The sockets of every dockerd in this network namespace, each by boot and inode number.

    Empty where the kernel does not tell.
    """
    try:
        lines = table.read_text(errors="replace").splitlines()
        began = boot.read_text().strip()
    except OSError:
        return frozenset()
    # Num RefCount Protocol Flags Type St Inode Path (proc(5))
    rows = (line.split(maxsplit=7) for line in lines)
    found = {
        row[6]
        for row in rows
        if len(row) == 8 and row[3] == _LISTENING and _OF_DOCKERD.fullmatch(row[7])
    }
    known = own() if found else None
    return frozenset(f"{began}/{each}" for each in (found if known is None else found & known))


def swarm_agents(tables: tuple[Path, ...] = _TCP, boot: Path = _BOOT) -> dict[IPAddress, str]:
    """What listens for other nodes of a swarm here, by address; each by boot and inode number.

    dockerd listens so from when it joins a swarm, or starts in one, until it leaves or ends.
    """
    try:
        lines = [line for table in tables if table.exists() for line in _rows(table)]
        began = boot.read_text().strip()
    except OSError:
        return {}
    # sl local_address rem_address st queues timer retrnsmt uid timeout inode (proc(5))
    rows = (line.split() for line in lines)
    found = {}
    for row in rows:
        address, _, port = row[1].partition(":")
        if row[3] == _TCP_LISTEN and int(port, 16) == _GOSSIP and int(row[7]) in _TRUSTED:
            found[_address(address)] = f"{began}/{row[9]}"
    return found


def _rows(table: Path) -> list[str]:
    return table.read_text().splitlines()[1:]


def _address(text: str) -> IPAddress:
    """An address as the kernel prints one: words of 32 bits, each in this machine's byte order."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    return ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
