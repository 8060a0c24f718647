"""Which dockerd runs: the sockets it listens on, whose inode numbers no other dockerd has.

A plugin that dockerd runs shares the network namespace of its dockerd and no namespace of process
ids, so a peer of its socket shows no process.  dockerd 20.10 and 28 listen on ``metrics.sock``
before they ask a plugin for anything, and on the others when they are up (moby, daemon/metrics_unix.go,
libnetwork/sandbox_externalkey_unix.go, cluster/cluster.go).  ``docker.sock`` says nothing: systemd
keeps that socket from one dockerd to the next.
"""

import re
from pathlib import Path
from typing import Final

_LISTENING: Final = "00010000"  # linux/net.h, __SO_ACCEPTCON
_OF_DOCKERD: Final = re.compile(r".+/(metrics|swarm/control|libnetwork/[0-9a-f]+)\.sock")
_TABLE: Final = Path("/proc/thread-self/net/unix")
_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


def engine_sockets(table: Path = _TABLE, boot: Path = _BOOT) -> frozenset[str]:
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
    return frozenset(
        f"{began}/{row[6]}"
        for row in rows
        if len(row) == 8 and row[3] == _LISTENING and _OF_DOCKERD.fullmatch(row[7])
    )
