"""What the kernel is told of links that it may not have here, in its own numbers."""

import errno
import struct
from typing import Final

import pytest

from plugin.errors import RefusedError
from plugin.kernel import links, stacked
from plugin.kernel.raw_netlink import attributes
from plugin.kernel.rtnl import LinkChange, Rtnl, RtnlError
from plugin.model.ids import IfName
from plugin.model.resources import Ipvlan, IpvlanFlag, IpvlanMode, Vlan

LO: Final = IfName("lo")  # which is there wherever a test runs


class Listener(Rtnl):
    """Takes down what it is told to make."""

    def __init__(self, refusal: int = 0) -> None:
        self.made: list[tuple[str, LinkChange, dict[int, bytes]]] = []
        self._refusal = refusal

    def add_link(self, kind: str, change: LinkChange, data: bytes = b"") -> None:
        self.made.append((kind, change, attributes(data, 0)))
        if self._refusal:
            raise RtnlError(self._refusal, "")

    def change_link(self, index: int, change: LinkChange) -> None:
        pass


def an_ipvlan(mode: IpvlanMode = IpvlanMode.L2, flag: IpvlanFlag = IpvlanFlag.BRIDGE) -> Ipvlan:
    return Ipvlan(ifname=LO, parent=LO, mode=mode, flag=flag, mtu=1400, mark="n1/e1")


@pytest.mark.parametrize(("mode", "number"), [("L2", 0), ("L3", 1), ("L3S", 2)])
@pytest.mark.parametrize(("flag", "bit"), [("BRIDGE", 0), ("PRIVATE", 1), ("VEPA", 2)])
def test_an_ipvlan_link(mode: str, number: int, flag: str, bit: int) -> None:
    """linux/if_link.h: IFLA_IPVLAN_MODE is 1, IFLA_IPVLAN_FLAGS is 2, both of 16 bits."""
    rtnl = Listener()
    stacked.ensure_ipvlan(rtnl, an_ipvlan(IpvlanMode[mode], IpvlanFlag[flag]))

    ((kind, change, data),) = rtnl.made
    assert kind == "ipvlan"
    assert data == {1: struct.pack("=H", number), 2: struct.pack("=H", bit)}
    assert change == LinkChange(
        ifname=LO, parent=links.index_of(LO), mtu=1400, group=links.GROUP_OURS
    )


def test_a_vlan() -> None:
    """linux/if_link.h: IFLA_VLAN_ID is 1, of 16 bits."""
    rtnl = Listener()
    stacked.ensure_vlan(rtnl, Vlan(ifname=LO, parent=LO, number=4094))

    ((kind, change, data),) = rtnl.made
    assert kind == "vlan"
    assert data == {1: struct.pack("=H", 4094)}
    assert change.parent == links.index_of(LO)
    assert change.up


@pytest.mark.parametrize("code", [errno.EBUSY, errno.EINVAL])
def test_a_parent_that_is_not_free(code: int) -> None:
    """Macvlan links of Docker's stand on it, for instance."""
    with pytest.raises(RefusedError, match="lo cannot carry a ipvlan link"):
        stacked.ensure_ipvlan(Listener(code), an_ipvlan())


def test_a_kernel_without_it() -> None:
    """The module to load is named."""
    with pytest.raises(RefusedError, match=r"makes no ipvlan links .*load its module \(ipvlan\)"):
        stacked.ensure_ipvlan(Listener(errno.EOPNOTSUPP), an_ipvlan())
    with pytest.raises(RefusedError, match=r"makes no vlan links .*load its module \(8021q\)"):
        stacked.ensure_vlan(Listener(errno.EOPNOTSUPP), Vlan(ifname=LO, parent=LO, number=1))
