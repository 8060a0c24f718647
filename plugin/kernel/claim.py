"""One pynet per network namespace: two would take each other's links for left-overs.

An abstract Unix socket belongs to a network namespace (unix(7)) and ends with its process,
however that ends, so it can never be stale.
"""

import errno
import socket
from typing import Final

from plugin.errors import KernelError

_NAME: Final = "\0pynet"


def claim() -> socket.socket:
    """Become the pynet of this namespace, for as long as the socket is open.

    Raises KernelError if there is one.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(_NAME)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise KernelError("another pynet works on this host's network already") from error
        raise KernelError(f"cannot claim this host's network: {error}") from error
    return sock
