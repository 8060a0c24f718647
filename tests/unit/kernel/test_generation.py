"""How often the rules of the host have changed, as the kernel counts it."""

import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from plugin.errors import KernelError
from plugin.kernel.netlink import messages as raw
from plugin.kernel.netlink import nf_tables

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A conversation, and the kernel's end of it."""
    ours, kernels = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, kernels:
        yield ours, kernels


def refuse(kernels: socket.socket, code: int) -> None:
    """Answer with an error."""
    kernels.send(raw.message(raw.NLMSG_ERROR, 0, struct.pack("=i16x", -code)))


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP])
def test_a_kernel_without_rules_has_had_no_change(sockets: Pair, code: int) -> None:
    """Networks are healed there, too: what is kept up is the rest."""
    ours, kernels = sockets
    refuse(kernels, code)

    assert nf_tables.generation(ours) == 0


def test_any_other_refusal_is_an_error(sockets: Pair) -> None:
    """Nobody knows then what has changed."""
    ours, kernels = sockets
    refuse(kernels, errno.EPERM)

    with pytest.raises(KernelError, match="cannot be read"):
        nf_tables.generation(ours)
