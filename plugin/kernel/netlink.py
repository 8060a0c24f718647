"""Short conversations with the kernel.

Every conversation is a socket of its own: opening one costs microseconds, and no two threads
can take each other's answers.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.raw_netlink import NETLINK_NETFILTER
from plugin.kernel.rtnl import Rtnl, RtnlError


@contextmanager
def conversation() -> Iterator[Rtnl]:
    """Links and addresses; foreign errors leave it as KernelError.

    What the conversation itself suffers is a KernelError already; any other OSError is of what
    was done in between.
    """
    try:
        rtnl = Rtnl()
        try:
            yield rtnl
        finally:
            rtnl.close()
    except RtnlError as error:
        raise KernelError(f"the kernel refused: {error}") from error
    except OSError as error:
        raise open_files.refusal("the kernel refused", error) from error


@contextmanager
def netfilter(seconds: float) -> Iterator[socket.socket]:
    """Connections and other things of netfilter's; OSErrors are the caller's.

    A thread closes the socket: to close one waits for what nf_tables deleted last, which takes
    grace periods of RCU (net/netfilter/nf_tables_api.c, nft_rcv_nl_event; 1 to 28 ms were seen).
    """
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    sock.settimeout(seconds)
    try:
        yield sock
    finally:
        threading.Thread(target=sock.close, name="close", daemon=True).start()


@contextmanager
def traffic_control() -> Iterator[Any]:
    """Queues, for which pyroute2 is loaded when somebody first bounds a rate."""
    from plugin.kernel.pyroute2_core import IPRoute, NetlinkError  # noqa: PLC0415

    try:
        with IPRoute(ext_ack=True, strict_check=True) as ipr:
            yield ipr
    except NetlinkError as error:
        raise KernelError(f"the kernel refused: {error}") from error
    except OSError as error:
        raise open_files.refusal("netlink failed", error) from error
