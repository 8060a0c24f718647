"""Short conversations with the kernel.

Every conversation is a socket of its own: a long-lived IPRoute keeps the acknowledgement
of each ``get`` for ever (pyroute2 0.9), and one that a fork inherited mixes up replies.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plugin.errors import KernelError
from plugin.kernel.pyroute2_core import IPRoute, NetlinkError


@contextmanager
def conversation() -> Iterator[Any]:
    """An IPRoute for one call; foreign errors leave it as KernelError."""
    try:
        with IPRoute(ext_ack=True, strict_check=True) as ipr:
            yield ipr
    except NetlinkError as error:
        raise KernelError(f"the kernel refused: {reason(error)}") from error
    except OSError as error:
        raise KernelError(f"netlink is out of order: {error}") from error


def code(error: NetlinkError) -> int:
    """The errno of a refusal."""
    return int(error.code)


def reason(error: NetlinkError) -> str:
    """The kernel's own words where it sent any, else those of the errno."""
    text = error.args[1] if len(error.args) > 1 else None
    return str(text or os.strerror(code(error)))


def is_gone(error: NetlinkError) -> bool:
    """Whether the thing spoken of is not there, which removal does not mind."""
    return code(error) in (errno.ENODEV, errno.ENOENT, errno.EADDRNOTAVAIL, errno.ESRCH)
