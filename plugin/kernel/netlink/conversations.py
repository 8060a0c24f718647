"""Short conversations with the kernel.

Every conversation has its own socket: opening one costs microseconds, and no thread can read
the answers for another.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plugin.errors import KernelError
from plugin.kernel import open_files
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError


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
def traffic_control() -> Iterator[Any]:
    """Queues; pyroute2 is loaded when a rate is limited for the first time.  Raises KernelError."""
    from plugin.kernel.netlink.pyroute2_core import IPRoute, NetlinkError  # noqa: PLC0415

    try:
        with IPRoute(ext_ack=True, strict_check=True) as ipr:
            yield ipr
    except NetlinkError as error:
        raise KernelError(f"the kernel refused: {error}") from error
    except OSError as error:
        raise open_files.refusal("netlink failed", error) from error
