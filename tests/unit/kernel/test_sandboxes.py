"""Links in sandboxes, when these end while they are looked at."""

import errno

import pytest

from plugin.kernel.links import ownership
from plugin.kernel.links.sandboxes import Sandboxes, one_look
from plugin.kernel.netlink.link_messages import LinkInfo
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import OWNER_PREFIX, Ipvlan, IpvlanFlag, IpvlanMode

CHILD = Ipvlan(
    ifname=IfName("pnc-1"),
    parent=IfName("up0"),
    mode=IpvlanMode.L2,
    flag=IpvlanFlag.BRIDGE,
    mtu=None,
    owner="n1/e1",
)


class Ending(Rtnl):
    """One sandbox, that ends before a link can be deleted in it."""

    def __init__(self, code: int, *failures: int) -> None:
        self._code = code
        self._failures = list(failures)
        self.looks = 0

    def namespaces(self) -> list[int]:
        return [3]

    def links(self, nsid: int | None = None) -> list[LinkInfo]:
        self.looks += 1
        if self._failures and (code := self._failures.pop(0)):
            raise RtnlError(code, "")
        return [
            LinkInfo(
                index=7,
                ifname=IfName("eth0"),
                kind="ipvlan",
                mac_address=MacAddress(""),
                mtu=1500,
                up=True,
                running=True,
                loopback=False,
                ethernet=True,
                parent=2,
                parent_nsid=0,
                master=0,
                master_kind="",
                group=ownership.GROUP_OURS,
                alias=OWNER_PREFIX + CHILD.owner,
                hairpin=False,
                group_forward=None,
                data={},
            )
        ]

    def delete_link(self, index: int, nsid: int | None = None) -> None:
        raise RtnlError(self._code, "")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENODEV])
def test_one_that_has_ended(code: int) -> None:
    """Its links went with it: there is nothing to delete any more."""
    Sandboxes(Ending(code)).delete(CHILD)


def test_one_that_has_not() -> None:
    """What the kernel refuses is said."""
    with pytest.raises(RtnlError):
        Sandboxes(Ending(errno.EPERM)).delete(CHILD)


def test_a_look_that_lacks_one_is_no_proof() -> None:
    """The list of namespaces may miss one, and a container that runs would lose its network."""
    assert Sandboxes(Ending(0, errno.EINVAL)).has(CHILD)


def test_two_looks_that_lack_one_are() -> None:
    """Else nothing would ever be collected."""
    assert not Sandboxes(Ending(0, errno.EINVAL, errno.EINVAL)).has(CHILD)


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.ENOMEM])
def test_in_doubt_it_is_there(code: int) -> None:
    """The kernel did not answer: the link counts as there."""
    assert Sandboxes(Ending(0, code)).has(CHILD)
    with pytest.raises(RtnlError):
        Sandboxes(Ending(0, code)).delete(CHILD)


def test_one_look_serves_all() -> None:
    """Every network of a host asks, at every tick."""
    kernel = Ending(0)
    with one_look():
        for _ in range(3):
            assert Sandboxes(kernel).has(CHILD)

    assert kernel.looks == 1


def test_that_it_is_missing_is_not_taken_from_an_earlier_look() -> None:
    """The container may have come since."""
    with one_look():
        assert not Sandboxes(Ending(0, errno.EINVAL, errno.EINVAL)).has(CHILD)
        assert Sandboxes(Ending(0)).has(CHILD)
