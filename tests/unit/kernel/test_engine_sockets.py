"""Which dockerd runs, by the sockets it listens on."""

import os
import socket
from ipaddress import ip_address
from pathlib import Path

from plugin.kernel.engine_sockets import engine_sockets, swarm_agents

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

# Of that host: the agent's socket, others of dockerd's, and a connection to the same port.
TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100630A:1F0A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7001 1 0 100 0
   1: 0100630A:0949 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7002 1 0 100 0
   2: 0100630A:1F0A 0200630A:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 7003 1 0 100 0
"""
TCP6 = """  sl  local_address                         remote_address                        st
   1: 00000000000000000000000000000000:1F0A 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7005 1
   0: 000000FD000000000000000001000000:1F0A 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7004 1
"""


def test_what_dockerd_alone_listens_on_is_found(tmp_path: Path) -> None:
    """Neither what systemd holds for it, nor other programs' sockets, nor connections."""
    table, boot = tmp_path / "unix", tmp_path / "boot_id"
    table.write_text(TABLE)
    boot.write_text("boot\n")

    found = engine_sockets(table, boot, own=lambda: None)
    assert found == {"boot/2185", "boot/2187", "boot/2188"}
    assert engine_sockets(table, boot, own=lambda: frozenset({"2187"})) == {"boot/2187"}


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


def test_the_agent_of_a_swarm_is_found(tmp_path: Path) -> None:
    """By the port that all agents have, of both families."""
    tcp, tcp6, boot = tmp_path / "tcp", tmp_path / "tcp6", tmp_path / "boot_id"
    tcp.write_text(TCP)
    tcp6.write_text(TCP6)
    boot.write_text("boot\n")

    assert swarm_agents((tcp, tcp6, tmp_path / "absent"), boot) == {
        ip_address("10.99.0.1"): "boot/7001",
        ip_address("fd00::1"): "boot/7004",
        ip_address("::"): "boot/7005",
    }
    assert swarm_agents((tcp,), tmp_path / "absent") == {}


def test_the_kernel_tells_of_agents_so() -> None:
    """In this machine's byte order; the next agent is another."""
    here = ip_address(f"127.{1 + os.getpid() % 250}.88.1")
    lives = []
    for _ in range(2):
        with socket.create_server((str(here), 7946)):
            lives.append(swarm_agents()[here])

    assert lives[0] != lives[1]
