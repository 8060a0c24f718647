"""Which dockerd runs, by the sockets it listens on."""

import socket
from pathlib import Path

from plugin.kernel.engine_sockets import engine_sockets

# Of a host with dockerd 28.5.2.
TABLE = """Num       RefCount Protocol Flags    Type St Inode Path
0000000000000000: 00000002 00000000 00010000 0001 01 2183 /run/docker.sock
0000000000000000: 00000002 00000000 00010000 0001 01 2184 /var/run/docker/containerd/containerd.sock
0000000000000000: 00000002 00000000 00010000 0001 01 2185 /var/run/docker/metrics.sock
0000000000000000: 00000003 00000000 00000000 0001 03 2186 /var/run/docker/metrics.sock
0000000000000000: 00000002 00000000 00010000 0001 01 2187 /var/run/docker/libnetwork/968b0b11642e.sock
0000000000000000: 00000002 00000000 00010000 0001 01 2188 /var/run/docker/swarm/control.sock
0000000000000000: 00000002 00000000 00010000 0001 01 2189 /run/docker/plugins/pynet.sock
0000000000000000: 00000003 00000000 00000000 0001 03 2190
"""


def test_what_dockerd_alone_listens_on_is_found(tmp_path: Path) -> None:
    """Neither what systemd holds for it, nor other programs' sockets, nor connections."""
    table, boot = tmp_path / "unix", tmp_path / "boot_id"
    table.write_text(TABLE)
    boot.write_text("boot\n")

    assert engine_sockets(table, boot) == {"boot/2185", "boot/2187", "boot/2188"}


def test_a_kernel_that_does_not_tell_has_none(tmp_path: Path) -> None:
    assert engine_sockets(tmp_path / "absent") == frozenset()


def test_the_next_dockerd_has_others(tmp_path: Path) -> None:
    """On this kernel, where each life listens at the same path."""
    path = tmp_path / "metrics.sock"
    lives = []
    for _ in range(2):
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as sock:
            before = engine_sockets()
            sock.bind(str(path))
            sock.listen()
            lives.append(engine_sockets() - before)

    assert all(len(life) == 1 for life in lives)
    assert lives[0] != lives[1]
