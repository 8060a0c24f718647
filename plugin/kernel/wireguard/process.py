"""WireGuard devices of a process, ``wireguard-go``, where the kernel has none.

The link is made first, and has its owner before there is a process.  Deleting the link ends
the process; a link whose process has ended has no carrier.  The control socket has the link's name,
so that a plugin which starts finds it, and ``wg show`` too (https://www.wireguard.com/xplatform).
"""

import errno
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from plugin import deadline
from plugin.errors import KernelError, RefusedError
from plugin.kernel.netlink.link_messages import LinkChange
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.kernel.wireguard.device import DeviceState, Peer
from plugin.log import Log
from plugin.model.ids import IfName
from plugin.model.network import IPAddress

_log: Final = Log("wireguard")
KIND: Final = "tun"  # of the link
_PROGRAM: Final = "wireguard-go"
_TUN: Final = Path("/dev/net/tun")
_SOCKETS: Final = Path("/var/run/wireguard")  # where the program has it, and wg looks
_TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
_TUNSETPERSIST: Final = 0x400454CB
_TUNSETOWNER: Final = 0x400454CC
_ROOT: Final = 0
_IFF_TUN: Final = 0x0001
_IFREQ: Final = struct.Struct("16sH22x")
_START_SECONDS: Final = 6.0
_BUSY_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.02
_ANSWER_SECONDS: Final = 2.0
_ENDING_SECONDS: Final = 2.0
_ROOM: Final = 1 << 16


class ProcessDevices:
    """Devices of links that a process has."""

    def make(self, rtnl: Rtnl, ifname: IfName, group: int) -> None:
        """Make the link, in ``group``, and start the process that has it.

        Raises RefusedError where there can be none.
        """
        program = shutil.which(_PROGRAM)
        if program is None:
            raise RefusedError(
                "option encrypted is true, and this host's kernel has no WireGuard; load its module "
                f"(modprobe wireguard), or install {_PROGRAM} where pynet is a service of the host"
            )
        tun = _open_tun()
        try:
            fcntl.ioctl(tun, _TUNSETIFF, _IFREQ.pack(ifname.encode(), _IFF_TUN))
            rtnl.change_link(socket.if_nametoindex(ifname), LinkChange(group=group))
            # Without an owner every user could have the link while no process has it
            # (drivers/net/tun.c, tun_not_capable), and with it what is in clear.
            fcntl.ioctl(tun, _TUNSETOWNER, _ROOT)
            fcntl.ioctl(tun, _TUNSETPERSIST, 1)
        except OSError as error:
            raise KernelError(f"link {ifname} cannot be made: {error}") from error
        finally:
            os.close(tun)  # until now the link would have ended with this process
        _start(program, ifname)
        if self.read(ifname) is None:
            raise KernelError(f"{_PROGRAM} does not answer for {ifname}")
        _log.info("wireguard.started", link=ifname)

    def read(self, ifname: IfName) -> DeviceState | None:
        try:
            lines = list(_ask(ifname, "get=1\n\n"))
        except OSError:
            return None
        return _state(lines)

    def set_key(self, ifname: IfName, private_key: bytes, port: int) -> None:
        _set(ifname, f"private_key={private_key.hex()}\nlisten_port={port}\n")

    def set_peer(
        self, ifname: IfName, public_key: bytes, endpoint: tuple[IPAddress, int], inner: IPAddress
    ) -> None:
        address, port = endpoint
        host = f"[{address}]" if address.version == 6 else str(address)
        _set(
            ifname,
            f"public_key={public_key.hex()}\nendpoint={host}:{port}\n"
            f"replace_allowed_ips=true\nallowed_ip={inner}/{inner.max_prefixlen}\n",
        )

    def remove_peer(self, ifname: IfName, public_key: bytes) -> None:
        _set(ifname, f"public_key={public_key.hex()}\nremove=true\n")


def _socket_of(ifname: IfName) -> Path:
    return _SOCKETS / f"{ifname}.sock"


def _end_former(path: Path) -> None:
    """End a process whose link has gone, and return when it has ended.

    It ends with its socket (wireguard-go, ipc/uapi_linux.go), and on its way deletes what has the
    socket's name.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        answers = sock.connect_ex(str(path)) == 0
        path.unlink(missing_ok=True)
        if answers:
            sock.settimeout(deadline.remaining(_ENDING_SECONDS))
            with suppress(OSError):
                sock.recv(1)  # nothing: it ended, or it takes its time


def _open_tun() -> int:
    try:
        return os.open(_TUN, os.O_RDWR)
    except OSError as error:
        raise RefusedError(
            f"option encrypted is true, this host's kernel has no WireGuard, and {_PROGRAM} cannot "
            f"have {_TUN} ({error.strerror}); load the module: modprobe wireguard"
        ) from error


def _start(program: str, ifname: IfName) -> None:
    """Start it for the link that is there, as a process of nobody's; it answers on return.

    The link is busy for a moment if another thread has just started a program, which has a copy of
    the link's file until it runs (fs/exec.c, begin_new_exec).  No secret is in the environment.
    """
    end = time.monotonic() + deadline.remaining(_BUSY_SECONDS)
    try:
        _end_former(_socket_of(ifname))
        while (done := _run(program, ifname)).returncode:
            if time.monotonic() > end:
                done.check_returncode()
            time.sleep(_POLL_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise KernelError(
            f"{_PROGRAM} cannot be started for {ifname} ({error}); 'LOG_LEVEL=verbose {_PROGRAM} -f wg0' "
            "says why"
        ) from error


def _run(program: str, ifname: IfName) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - found on the path of this process
        [program, ifname],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # it praises the kernel's WireGuard at each start
        stderr=subprocess.DEVNULL,
        env={"LOG_LEVEL": "silent"},
        cwd="/",
        start_new_session=True,
        timeout=deadline.remaining(_START_SECONDS),
        check=False,
    )


def _set(ifname: IfName, text: str) -> None:
    try:
        lines = dict(_ask(ifname, f"set=1\n{text}\n"))
    except OSError as error:
        raise KernelError(f"{_PROGRAM} does not answer for {ifname}: {error}") from error
    code = -int(lines.get("errno", "0"))
    if code:
        raise KernelError(f"{_PROGRAM} refused for {ifname}: {os.strerror(code)}")


def _ask(ifname: IfName, request: str) -> Iterator[tuple[str, str]]:
    """Send a request; the answer, which ends with an empty line.  Raises OSError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(deadline.remaining(_ANSWER_SECONDS))
        sock.connect(str(_socket_of(ifname)))
        sock.sendall(request.encode())
        answer = b""
        while not answer.endswith(b"\n\n"):
            piece = sock.recv(_ROOM)
            if not piece:
                raise ConnectionResetError(errno.ECONNRESET, "it has ended")
            answer += piece
    for line in answer.decode().split("\n"):
        name, equals, value = line.partition("=")
        if equals:
            yield name, value


def _state(lines: list[tuple[str, str]]) -> DeviceState:
    key, port, public = b"", 0, b""
    peers: dict[bytes, Peer] = {}
    for name, value in lines:
        match name:
            case "private_key":
                key = bytes.fromhex(value)
            case "listen_port":
                port = int(value)
            case "public_key":
                public = bytes.fromhex(value)
                peers[public] = Peer()
            case "endpoint":
                host, _, _ = value.rpartition(":")
                address = ip_address(host.strip("[]").partition("%")[0])
                peers[public] = Peer(allowed=peers[public].allowed, endpoint=address)
            case "allowed_ip":
                allowed = peers[public].allowed | {ip_network(value)}
                peers[public] = Peer(allowed=allowed, endpoint=peers[public].endpoint)
    return DeviceState(private_key=key, port=port, peers=peers)
