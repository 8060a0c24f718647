"""A stand-in for containers' network namespaces: where links go after the join.

An endpoint's far end that stayed on the host would double the host's links.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Final, Self

from pyroute2 import IPRoute

from tests.lab.host import Host
from tests.lab.namespace import Namespace
from tests.lab.netns import inside

CONNECTIONS: Final = 100


@contextmanager
def busy(host: Host) -> Iterator[None]:
    """Have the host's kernel track connections in the block, as it does on any host in use.

    What pynet does for containers that end depends on it, and would depend on what was measured before.
    """
    with ExitStack() as stack:
        with inside(host.netns):
            server = stack.enter_context(
                socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS)
            )
            for _ in range(CONNECTIONS):
                stack.enter_context(socket.create_connection(server.getsockname()))
        yield


class Sandbox:
    """One namespace for the links of many endpoints of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._namespace = Namespace(host.lab, f"sandbox-{os.urandom(2).hex()}")
        self._target = os.open(self._namespace.netns, os.O_RDONLY)
        self._source = os.open(host.netns, os.O_RDONLY)
        with inside(host.netns):
            self._netlink = IPRoute()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._netlink.close()
        os.close(self._target)
        os.close(self._source)
        self._namespace.close()

    def take(self, ifname: str) -> None:
        """Move a link of the host in here, as dockerd does after the join."""
        with inside(self._host.netns):
            index = socket.if_nametoindex(ifname)
        self._netlink.link("set", index=index, net_ns_fd=self._target)

    def give_back(self, ifname: str) -> None:
        """Move a link back to the host, as dockerd does before the endpoint's end."""
        with inside(self._namespace.netns), IPRoute() as netlink:
            index = socket.if_nametoindex(ifname)
            netlink.link("set", index=index, net_ns_fd=self._source)
