"""What the kernel is told of links that it may not have here, in its own numbers."""

import errno
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from plugin.errors import RefusedError
from plugin.kernel.links import children, ownership
from plugin.kernel.links.ipvlan import IpvlanHandler
from plugin.kernel.links.reaper import Reaper
from plugin.kernel.links.shim import ShimHandler
from plugin.kernel.links.vlan import VlanHandler
from plugin.kernel.netlink.link_messages import LinkChange, LinkInfo
from plugin.kernel.netlink.messages import attributes
from plugin.kernel.netlink.rtnl import Rtnl, RtnlError
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Ipvlan, IpvlanFlag, IpvlanMode, Shim, Vlan

LO: Final = IfName("lo")  # which is there wherever a test runs


THERE: Final = LinkInfo(
    index=1,
    ifname=LO,
    kind="",
    mac_address=MacAddress(""),
    mtu=1500,
    up=True,
    running=True,
    loopback=False,
    ethernet=True,
    parent=0,
    parent_nsid=None,
    master=0,
    master_kind="",
    group=0,
    alias="",
    hairpin=False,
    group_forward=None,
    data={},
)


class Unmoved(Reaper):
    """Deletes nothing."""

    def __init__(self) -> None:
        pass


NOBODY: Final = Unmoved()


class Listener(Rtnl):
    """Takes down what it is told to make."""

    def __init__(self, refusal: int = 0, words: str = "", link: LinkInfo | None = None) -> None:
        self.made: list[tuple[str, LinkChange, dict[int, bytes]]] = []
        self._refusal = refusal
        self._words = words
        self._link = link

    def link(self, ifname: IfName) -> LinkInfo | None:
        return self._link

    def add_link(self, kind: str, change: LinkChange, data: bytes = b"") -> None:
        self.made.append((kind, change, attributes(data, 0)))
        if self._refusal:
            raise RtnlError(self._refusal, self._words)

    def change_link(self, index: int, change: LinkChange) -> None:
        pass

    def links(self, nsid: int | None = None) -> list[LinkInfo]:
        return []

    def namespaces(self) -> list[int]:
        return []


def a_shim(mode: IpvlanMode | None) -> Shim:
    return Shim(
        ifname=LO, parent=LO, mac_address=None, mtu=None, ipv6=False, owner="n1", ipvlan_mode=mode
    )


def an_ipvlan(mode: IpvlanMode = IpvlanMode.L2, flag: IpvlanFlag = IpvlanFlag.BRIDGE) -> Ipvlan:
    return Ipvlan(ifname=LO, parent=LO, mode=mode, flag=flag, mtu=1400, owner="n1/e1")


@pytest.mark.parametrize(("mode", "number"), [("L2", 0), ("L3", 1), ("L3S", 2)])
@pytest.mark.parametrize(("flag", "bit"), [("BRIDGE", 0), ("PRIVATE", 1), ("VEPA", 2)])
def test_an_ipvlan_link(mode: str, number: int, flag: str, bit: int) -> None:
    """linux/if_link.h: IFLA_IPVLAN_MODE is 1, IFLA_IPVLAN_FLAGS is 2, both of 16 bits."""
    rtnl = Listener()
    IpvlanHandler(NOBODY).make(rtnl, an_ipvlan(IpvlanMode[mode], IpvlanFlag[flag]))

    ((kind, change, data),) = rtnl.made
    assert kind == "ipvlan"
    assert data == {1: struct.pack("=H", number), 2: struct.pack("=H", bit)}
    assert change == LinkChange(
        ifname=LO, parent=ownership.index_of(LO), mtu=1400, group=ownership.GROUP_OURS
    )


def test_a_vlan() -> None:
    """linux/if_link.h: IFLA_VLAN_ID is 1, of 16 bits."""
    rtnl = Listener()
    VlanHandler(NOBODY).make(rtnl, Vlan(ifname=LO, parent=LO, number=4094))

    ((kind, change, data),) = rtnl.made
    assert kind == "vlan"
    assert data == {1: struct.pack("=H", 4094)}
    assert change.parent == ownership.index_of(LO)
    assert change.up


@pytest.mark.parametrize("mode", [None, IpvlanMode.L3])
def test_a_shim(mode: IpvlanMode | None) -> None:
    """A kernel without its kind is found out with it: it is made before the first container's."""
    kind = "macvlan" if mode is None else "ipvlan"
    with pytest.raises(RefusedError, match=rf"makes no {kind} links .*load its module \({kind}\)"):
        ShimHandler(NOBODY, Path("/nowhere")).make(Listener(errno.EOPNOTSUPP), a_shim(mode))
    with pytest.raises(RefusedError, match=f"parent lo cannot carry an? {kind} link"):
        ShimHandler(NOBODY, Path("/nowhere")).make(Listener(errno.EBUSY), a_shim(mode))


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ({"ethernet": False}, "it is no Ethernet link; choose one that is"),
        ({"mtu": 1300}, "its MTU is 1300, and the network's is 1400; raise the one"),
        ({}, "choose another parent"),
        (None, "choose another parent"),
    ],
)
def test_an_invalid_argument(
    monkeypatch: pytest.MonkeyPatch, link: dict[str, Any] | None, said: str
) -> None:
    """The kernel has one number for all of it."""
    monkeypatch.setattr(children, "PATIENCE_SECONDS", 0)
    found = None if link is None else replace(THERE, **link)
    with pytest.raises(RefusedError, match=f"parent lo cannot carry an ipvlan link .*: {said}"):
        IpvlanHandler(NOBODY).make(Listener(errno.EINVAL, link=found), an_ipvlan())


def test_a_parent_that_is_not_free() -> None:
    """Macvlan links of Docker's stand on it, for instance."""
    with pytest.raises(RefusedError, match=r"cannot carry an ipvlan link.*choose mode=macvlan\)"):
        IpvlanHandler(NOBODY).make(Listener(errno.EBUSY), an_ipvlan())


def test_a_kernel_without_it() -> None:
    """The module to load is named."""
    with pytest.raises(RefusedError, match=r"makes no ipvlan links .*load its module \(ipvlan\)"):
        IpvlanHandler(NOBODY).make(Listener(errno.EOPNOTSUPP), an_ipvlan())
    with pytest.raises(RefusedError, match=r"makes no vlan links .*load its module \(8021q\)"):
        VlanHandler(NOBODY).make(Listener(errno.EOPNOTSUPP), Vlan(ifname=LO, parent=LO, number=1))


def test_a_parent_without_vlans() -> None:
    """The number is the same, and the module is loaded."""
    there = Listener(errno.EOPNOTSUPP, "VLANs not supported on device")
    with pytest.raises(RefusedError, match=r"parent lo cannot carry VLANs .*choose the Ethernet"):
        VlanHandler(NOBODY).make(there, Vlan(ifname=LO, parent=LO, number=1))
