"""A look takes from the look before what has not changed since, and finds whatever has."""

import os
import signal
from itertools import cycle

import pytest

from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.conversations import conversation
from plugin.model.ids import IfName
from plugin.model.links import Dummy, Hairpin
from plugin.model.resources import HostResource
from tests.kernel.carried import carried, publish, relay
from tests.kernel.netns import Netns, wait_until
from tests.kernel.test_links import BRIDGE, a_veth, make

PAIRS = [a_veth(number) for number in (2, 3)]
DUMMY = Dummy(ifname=IfName("pnd-1"), mtu=1400, owner="n1")
HAIRPINS = [Hairpin(ifname=each.ifname) for each in PAIRS]
LINKS: frozenset[HostResource] = frozenset({BRIDGE, DUMMY, *PAIRS, *HAIRPINS})
PORT = carried()
WANTED: frozenset[HostResource] = LINKS | {PORT, PORT.held}
HARMS = [
    "ip link set pnv-2 down",
    "ip link set pnv-2 mtu 1300",
    "ip link set pnv-2 nomaster",
    "ip link set pnv-2 alias pynet:n1/other",
    "ip link set pnv-2 group 0",
    "ip link delete pnv-2",
    "ip link add other type bridge ; ip link set pnv-2 master other",
    "ip link set pnv-2 down ; ip link set pnv-2 name other ; ip link set other up",
    "ip link set pnv-2 type bridge_slave group_fwd_mask 0",
    "bridge link set dev pnv-2 hairpin off",
    "ip link set pnb-1 down",
    "ip link set pnb-1 mtu 1300",
    "ip link set pnb-1 address 02:00:00:00:00:02",
    "ip link set pnb-1 alias pynet:n2",
    "ip link delete pnb-1",
    "ip link set pnd-1 down",
    "ip link delete pnd-1 ; ip link add pnd-1 type bridge ; ip link set pnd-1 up",
]


@pytest.fixture
def known(kernel: LinuxKernel) -> LinuxKernel:
    """A kernel that has been looked at, and is known by heart."""
    make(kernel, BRIDGE, DUMMY, *PAIRS, *HAIRPINS)
    publish(kernel, PORT)
    for _ in range(2):
        assert look(kernel) == WANTED
    return kernel


def look(kernel: LinuxKernel) -> frozenset[HostResource]:
    """What is found by a tick."""
    with kernel.one_look():
        found = kernel.read(WANTED)
        assert kernel.read(WANTED) == found
        kernel.read_all()
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[HostResource]:
    """What handlers read one by one."""
    values: list[HostResource] = []
    read = OneByOne.read

    def noted(handler: OneByOne[HostResource], session: Session, given: object) -> object:
        found = list(given)  # type: ignore[call-overload]
        values.extend(found)
        return read(handler, session, found)

    monkeypatch.setattr(OneByOne, "read", noted)
    return values


def test_nothing_is_read_again(known: LinuxKernel, asked: list[HostResource]) -> None:
    """Outside of a look all of it is."""
    look(known)
    assert asked == []

    known.read(LINKS)
    assert set(asked) == LINKS


@pytest.mark.parametrize("harm", HARMS)
def test_harm_is_found(known: LinuxKernel, netns: Netns, harm: str) -> None:
    """As by one who looks for the first time."""
    for each in harm.split(" ; "):
        netns.run(*each.split())

    found = look(known)

    assert found != WANTED
    assert found == known.read(WANTED)
    assert look(known) == found


def test_what_is_restored_is_found(known: LinuxKernel, netns: Netns) -> None:
    """After the harm was seen."""
    netns.ip("link set pnv-2 down")
    assert look(known) != WANTED
    netns.ip("link set pnv-2 up")

    assert look(known) == WANTED


def test_what_comes_is_among_all(known: LinuxKernel, netns: Netns) -> None:
    """The sweep finds links of pynet that nobody wants."""
    before = _all(known)
    make(known, a_veth(4))
    assert a_veth(4).key in {each.key for each in _all(known) - before}
    netns.ip("link delete pnv-4")

    assert _all(known) == before


def test_a_port_that_was_released_is_missing(known: LinuxKernel) -> None:
    """And no other."""
    known.release([PORT.held])

    assert look(known) == WANTED - {PORT.held}


def test_a_port_that_is_carried_no_more_is_missing(known: LinuxKernel) -> None:
    """Withdrawn by a call."""
    known.remove([PORT])

    assert look(known) == WANTED - {PORT}


def test_a_process_that_was_killed_is_missed(known: LinuxKernel) -> None:
    """With every port, until it is started again."""
    os.kill(relay(), signal.SIGKILL)
    wait_until(lambda: look(known) == WANTED - {PORT}, "the end of the process is not seen")
    make(known, PORT)

    assert look(known) == WANTED


def test_the_timers_of_a_bridge_change_nothing(known: LinuxKernel, netns: Netns) -> None:
    """The kernel tells them in each list; links that have just been made may change by themselves."""
    hello = cycle([300, 400])

    def is_the_same() -> bool:
        before = rtnl.links()
        netns.ip(f"link set pnb-1 type bridge hello_time {next(hello)}")
        return rtnl.links() is before

    with conversation() as rtnl:
        wait_until(is_the_same, "a bridge's timers make another list")


def _all(kernel: LinuxKernel) -> frozenset[HostResource]:
    with kernel.one_look():
        return kernel.read_all()
