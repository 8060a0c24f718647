"""Links in sandboxes, when these end while they are looked at."""

import errno

import pytest

from plugin.kernel import links
from plugin.kernel.link_messages import LinkInfo
from plugin.kernel.rtnl import Rtnl, RtnlError
from plugin.kernel.sandboxes import Sandboxes
from plugin.model.ids import IfName, MacAddress
from plugin.model.resources import MARK_PREFIX, Ipvlan, IpvlanFlag, IpvlanMode

CHILD = Ipvlan(
    ifname=IfName("pnc-1"),
    parent=IfName("up0"),
    mode=IpvlanMode.L2,
    flag=IpvlanFlag.BRIDGE,
    mtu=None,
    mark="n1/e1",
)


class Ending(Rtnl):
    """One sandbox, that ends before a link can be deleted in it."""

    def __init__(self, code: int) -> None:
        self._code = code

    def namespaces(self) -> list[int]:
        return [3]

    def links(self, nsid: int | None = None) -> list[LinkInfo]:
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
                group=links.GROUP_OURS,
                alias=MARK_PREFIX + CHILD.mark,
                hairpin=False,
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
