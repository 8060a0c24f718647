"""The table of kinds of host objects, and what its handlers have in common."""

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest

from plugin.errors import KernelError
from plugin.kernel.handler import OneByOne, Session
from plugin.kernel.handlers import Parts, handlers
from plugin.kernel.host_ports import HostPorts
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.kernel.proxy.proxy import Proxy
from plugin.kernel.wireguard.keys import Keys
from plugin.model.facts import Fact
from plugin.model.ids import IfName
from plugin.model.links import Hairpin
from plugin.model.plan import ORDER


class Nothing(Rtnl):
    def __init__(self) -> None:
        self.asked = 0


class Fails(OneByOne[Hairpin]):
    """Removal ends as its link's name says, in an errno or a sentence."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def ensure_one(self, session: Session, value: Hairpin) -> None:
        raise AssertionError

    def remove_one(self, session: Session, value: Hairpin) -> None:
        self.tried.append(value.ifname)
        if value.ifname.isdigit():
            raise RtnlError(int(value.ifname))
        if value.ifname != "fine":
            raise KernelError(value.ifname)

    def read_one(self, session: Session, value: Hairpin) -> Hairpin | None:
        return value if value.ifname == "fine" else None


def flags(*names: object) -> Iterable[Hairpin]:
    return [Hairpin(ifname=IfName(str(name))) for name in names]


def test_every_kind_has_a_handler() -> None:
    """But for elements, which are the firewall's."""
    parts = Parts(
        sysctl_root=Path("/nowhere"),
        reaper=cast("Reaper", None),
        ports=HostPorts(),
        proxy=Proxy(),
        keys=Keys("a secret that these hosts have in common"),
    )

    assert set(handlers(parts)) == set(ORDER) - {Fact}


def test_removal_goes_on_after_a_failure() -> None:
    """What is gone already is no failure, and all failures are told together."""
    handler = Fails()
    with pytest.raises(ExceptionGroup) as raised:
        handler.remove(Session(Nothing()), flags("stuck", errno.ENODEV, errno.EPERM, "fine"))

    assert handler.tried == ["stuck", str(errno.ENODEV), str(errno.EPERM), "fine"]
    assert [str(each) for each in raised.value.exceptions] == [
        "stuck",
        "('hairpin', '1'): Operation not permitted",
    ]


def test_what_is_not_there_is_not_read() -> None:
    """The others are."""
    assert list(Fails().read(Session(Nothing()), flags("gone", "fine"))) == list(flags("fine"))


def test_a_long_list_is_read_once() -> None:
    """All kinds of links look at the one list of links."""
    rtnl = Nothing()

    def count(conversation: Rtnl) -> int:
        assert conversation is rtnl
        rtnl.asked += 1
        return rtnl.asked

    session = Session(rtnl)
    assert [session.look(count) for _ in range(3)] == [1, 1, 1]
    assert Session(rtnl).look(count) == 2
