"""Lists that the kernel tells, and what becomes of those that it does not tell whole."""

import errno
import socket
import struct
from collections.abc import Iterator

import pytest

from plugin import deadline
from plugin.kernel.netlink.messages import (
    NLMSG_DONE,
    NLMSG_ERROR,
    Conversation,
    NetlinkError,
    attribute,
    dump,
)

INTERRUPTED = 0x10  # linux/netlink.h, NLM_F_DUMP_INTR
LINK = 16
DONE = (NLMSG_DONE, 0, struct.pack("=i", 0))


class Told:
    """A kernel that has said everything before it is asked."""

    def __init__(self) -> None:
        self.ours, self._its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.ours.settimeout(5)

    def say(self, *messages: tuple[int, int, bytes]) -> None:
        """One datagram."""
        self._its.send(
            b"".join(
                struct.pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body
                for kind, flags, body in messages
            )
        )

    def close(self) -> None:
        self.ours.close()
        self._its.close()


@pytest.fixture
def told() -> Iterator[Told]:
    kernel = Told()
    yield kernel
    kernel.close()


def test_all_datagrams_together(told: Told) -> None:
    """A list is as many as it needs."""
    told.say((LINK, 0, b"aaaa"), (LINK, 0, b"bbbb"))
    told.say((LINK, 0, b"cccc"))
    told.say(DONE)

    assert dump(told.ours, 18, b"") == [b"aaaa", b"bbbb", b"cccc"]


@pytest.mark.parametrize("last", [False, True], ids=["in the middle", "at the end"])
def test_what_changed_meanwhile_is_asked_for_again(told: Told, *, last: bool) -> None:
    """It may lack what was there all the time, as a container's link."""
    told.say((LINK, 0 if last else INTERRUPTED, b"aaaa"))
    told.say((NLMSG_DONE, INTERRUPTED if last else 0, struct.pack("=i", 0)))
    told.say((LINK, 0, b"aaaa"), (LINK, 0, b"bbbb"))
    told.say(DONE)

    assert dump(told.ours, 18, b"") == [b"aaaa", b"bbbb"]


def test_what_changes_all_the_time_is_no_list(told: Told) -> None:
    """Half a list is not taken for the whole, and the question is not repeated for ever."""
    for _ in range(100):
        told.say((LINK, INTERRUPTED, b"aaaa"), DONE)

    with pytest.raises(NetlinkError, match="it changed each time"):
        dump(told.ours, 18, b"")


@pytest.mark.parametrize("kind", [NLMSG_ERROR, NLMSG_DONE])
def test_an_error_is_no_end(told: Told, kind: int) -> None:
    """If it were taken for the end, a pool could be placed over a route of the host's."""
    refusal = struct.pack("=i", -errno.ENOMEM)
    if kind == NLMSG_ERROR:
        refusal += bytes(16)  # the request it is about
    told.say((LINK, 0, b"aaaa"))
    told.say((kind, 0, refusal + attribute(1, b"no room\0")))

    with pytest.raises(NetlinkError, match="no room") as raised:
        dump(told.ours, 18, b"")
    assert raised.value.code == errno.ENOMEM


def test_a_datagram_that_was_cut_is_no_list(told: Told) -> None:
    """The kernel would have gone on."""
    told.say((LINK, 0, bytes(1 << 17)))
    told.say(DONE)

    with pytest.raises(NetlinkError):
        dump(told.ours, 18, b"")


def test_a_list_ends_with_the_call(told: Told) -> None:
    """Each datagram comes at once, and there is no end of them."""
    told.say((LINK, 0, b"aaaa"))

    with deadline.within(0), pytest.raises(TimeoutError, match="too long"):
        dump(told.ours, 18, b"")


def test_what_is_worth_no_look_is_left_out(told: Told) -> None:
    """Nearly nothing may be wanted of a connection table; its end is seen in any case."""
    told.say((LINK, 0, b"aaaa"), (LINK, 0, b"bbbb"))
    told.say((LINK, 0, b"cccc"))
    told.say(DONE)

    assert dump(told.ours, 18, b"", lambda data: b"cccc" in data) == [b"cccc"]


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_an_answer_is_not_waited_for_without_end(seconds: float) -> None:
    """Nobody asked: neither a time nor none at all is for ever."""
    with Conversation(socket.NETLINK_ROUTE, seconds) as sock:
        for receive in (sock.recv, sock.recvmsg):
            with pytest.raises(TimeoutError, match="does not answer"):
                receive(1)
        with pytest.raises(BlockingIOError):
            sock.recv(1, socket.MSG_DONTWAIT)
