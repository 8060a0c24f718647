"""A process that may open no more files says so, whatever it was about to open."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest

from plugin.errors import KernelError
from plugin.kernel import host_network
from plugin.kernel.host_ports import HostPorts
from plugin.kernel.links import sysctls
from plugin.kernel.netlink.conversations import conversation
from plugin.model.network import Protocol
from plugin.model.ports import HostPort
from plugin.model.sysctls import Sysctl

FORWARDING = Sysctl(name="net/ipv4/ip_forward", value="1")


@contextmanager
def no_files() -> Iterator[None]:
    """This process may open no more files, whichever it closes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold(protocol: Protocol) -> None:
    port = HostPort(protocol=protocol, address=ip_address("127.0.0.1"), port=0)
    HostPorts().ensure(port)


def converse() -> None:
    with conversation() as rtnl:
        rtnl.links()


@pytest.mark.parametrize(
    "act",
    [
        lambda: hold(Protocol.TCP),
        lambda: hold(Protocol.UDP),
        converse,
        host_network.routes,
        lambda: sysctls.read(FORWARDING, sysctls.ROOT),
        lambda: sysctls.ensure(FORWARDING, sysctls.ROOT),
    ],
    ids=["tcp", "udp", "links", "routes", "setting", "change"],
)
def test_the_limit_is_named(act: Callable[[], object]) -> None:
    """Not a missing protocol, link or setting: nothing of those would help."""
    limit = r"may open \d+ files .* raise the limit \(LimitNOFILE"
    with pytest.raises(KernelError, match=limit), no_files():
        act()


def test_what_fails_beside_netlink_is_not_called_netlink() -> None:
    """Listening at a port that is taken, for instance."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(KernelError, match="in use") as raised,
        conversation(),
    ):
        socket.create_server(taken.getsockname())

    assert "netlink" not in str(raised.value)


def test_a_setting_that_is_not_there_is_none(tmp_path: Path) -> None:
    """As opposed to one that cannot be read."""
    assert sysctls.read(FORWARDING, tmp_path) is None
