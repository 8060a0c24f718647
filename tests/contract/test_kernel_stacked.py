"""Both kernels on links that stand on a parent: made, handed over, found again, removed."""

from dataclasses import replace
from ipaddress import ip_interface

import pytest

from plugin.errors import ForeignLinkError, KernelError, RefusedError
from plugin.kernel.links import children
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import (
    Dummy,
    HandedOver,
    Ipvlan,
    IpvlanFlag,
    IpvlanMode,
    IpvlanSetting,
    Macvlan,
    MacvlanMode,
    Vlan,
)
from plugin.model.resources import HostResource, LinkResource
from tests.contract.hosts import Host, make
from tests.kernel.netns import wait_until

PARENT = IfName("up0")
DUMMY = Dummy(ifname=IfName("pnd-1"), mtu=1400, owner="n1")
MACVLAN = Macvlan(
    ifname=IfName("pnc-1"),
    parent=PARENT,
    mode=MacvlanMode.BRIDGE,
    mac_address=MacAddress("02:00:00:00:00:07"),
    mtu=None,
    owner="n1/e1",
)
IPVLAN = Ipvlan(
    ifname=IfName("pnc-1"),
    parent=PARENT,
    mode=IpvlanMode.L3,
    flag=IpvlanFlag.PRIVATE,
    mtu=None,
    owner="n1/e1",
)
VLAN = Vlan(ifname=IfName("up0.100"), parent=PARENT, number=100)


@pytest.fixture
def host(host: Host) -> Host:
    """With a parent."""
    host.add_parent(PARENT)
    return host


class TestEnsure:
    @pytest.mark.parametrize("mode", list(MacvlanMode))
    def test_a_link_on_a_parent(self, host: Host, mode: MacvlanMode) -> None:
        """Of every mode, and again."""
        link = replace(MACVLAN, mode=mode)
        for _ in range(2):
            make(host, link)

        assert host.kernel.read([link]) == {link}
        assert {each.key for each in host.kernel.read_all()} == {link.key}

    def test_a_link_on_a_parent_that_leads_nowhere(self, host: Host) -> None:
        """For a network without one."""
        link = replace(MACVLAN, parent=DUMMY.ifname)
        for _ in range(2):
            make(host, DUMMY, link)

        assert host.kernel.read([DUMMY, link]) == {DUMMY, link}
        marked = {(type(each), each.key, each.owner) for each in host.kernel.read_all()}
        assert marked == {(Dummy, DUMMY.key, "n1"), (Macvlan, link.key, "n1/e1")}

    def test_a_missing_parent_is_said(self, host: Host) -> None:
        """By its name."""
        with pytest.raises(KernelError, match="up7 is not there"):
            make(host, replace(MACVLAN, parent=IfName("up7")))

    @pytest.mark.parametrize("resource", [MACVLAN, DUMMY])
    def test_a_foreign_link_is_left(self, host: Host, resource: HostResource) -> None:
        """Of the same name."""
        host.add_foreign_link(resource.key[1])  # type: ignore[arg-type]
        with pytest.raises(ForeignLinkError):
            make(host, resource)
        host.kernel.remove([resource])
        host.settle()

        assert not host.kernel.missing_links([resource.key[1]])  # type: ignore[list-item]


@pytest.mark.kernels
class TestIpvlan:
    @pytest.mark.parametrize("mode", list(IpvlanMode))
    @pytest.mark.parametrize("flag", list(IpvlanFlag))
    def test_a_link_on_a_parent(self, host: Host, mode: IpvlanMode, flag: IpvlanFlag) -> None:
        """Of every mode, with every flag, and again."""
        host.need_link("ipvlan")
        link = replace(IPVLAN, mode=mode, flag=flag)
        for _ in range(2):
            make(host, link)

        assert host.kernel.read([link]) == {link}
        assert {each.key for each in host.kernel.read_all()} == {link.key}
        host.hand_over(link.ifname)
        assert host.kernel.read([link]) == {link}
        host.end_sandboxes()
        wait_until(lambda: not host.kernel.read([link]), "it is still there")


@pytest.mark.kernels
class TestIpvlanAddresses:
    """The engine puts them on the link: no other of the parent may have them then."""

    OWN = replace(IPVLAN, addresses=tuple(map(ip_interface, ("10.1.0.5/24", "fd00:1::5/64"))))

    def test_they_are_free(self, host: Host) -> None:
        """And not on the link while it is the host's."""
        host.need_link("ipvlan")
        for _ in range(2):
            make(host, self.OWN)

        assert host.kernel.read([self.OWN]) == {self.OWN}
        assert host.addresses(self.OWN.ifname) == []

    @pytest.mark.parametrize("number", [0, 1])
    def test_one_in_use_is_refused(
        self, host: Host, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a while, and nothing is left of the link."""
        host.need_link("ipvlan")
        monkeypatch.setattr(children, "PATIENCE_SECONDS", 0.1)
        theirs = self.OWN.addresses[number]
        host.add_foreign_ipvlan(PARENT, IpvlanSetting(mode=self.OWN.mode, flag=self.OWN.flag))
        host.use_address(theirs)
        with pytest.raises(RefusedError, match=f"address {theirs.ip} is in use on up0"):
            make(host, self.OWN)
        host.settle()

        assert host.kernel.read_all() == frozenset()

    def test_one_of_a_dying_sandbox_is_waited_for(self, host: Host) -> None:
        """The kernel gets to it when it has the time."""
        host.need_link("ipvlan")
        host.add_foreign_ipvlan(PARENT, IpvlanSetting(mode=self.OWN.mode, flag=self.OWN.flag))
        for each in self.OWN.addresses:
            host.use_address(each)
        host.end_sandboxes()
        make(host, self.OWN)

        assert host.kernel.read([self.OWN]) == {self.OWN}


@pytest.mark.kernels
class TestIpvlanSettings:
    @pytest.mark.parametrize("mode", list(IpvlanMode))
    @pytest.mark.parametrize("flag", [IpvlanFlag.BRIDGE, IpvlanFlag.PRIVATE])
    def test_of_foreign_links(self, host: Host, mode: IpvlanMode, flag: IpvlanFlag) -> None:
        """In sandboxes, and seen by a plugin that never had a link of its own there."""
        host.need_link("ipvlan")
        setting = IpvlanSetting(mode=mode, flag=flag)
        host.add_parent("up9")
        host.add_foreign_ipvlan(PARENT, setting)

        assert host.kernel.ipvlan_settings(PARENT) == {setting}
        assert host.kernel.ipvlan_settings(IfName("up9")) == frozenset()
        assert host.kernel.ipvlan_settings(IfName("up7")) == frozenset()

    def test_ours_do_not_count(self, host: Host) -> None:
        """They are known."""
        host.need_link("ipvlan")
        make(host, IPVLAN)
        assert host.kernel.ipvlan_settings(PARENT) == frozenset()
        host.hand_over(IPVLAN.ifname)

        assert host.kernel.ipvlan_settings(PARENT) == frozenset()


class TestRehearsal:
    def test_nothing_is_left_of_it(self, host: Host) -> None:
        """Nor is the next one in the way of the last."""
        for mode in (MacvlanMode.PASSTHRU, MacvlanMode.BRIDGE):
            host.kernel.rehearse([replace(MACVLAN, mode=mode)])

        assert host.kernel.read_all() == frozenset()
        assert host.kernel.missing_links([MACVLAN.ifname])

    @pytest.mark.parametrize("link", [MACVLAN, IPVLAN])
    def test_what_the_kernel_does_not_make_is_refused(self, host: Host, link: HandedOver) -> None:
        """Before a container needs it."""
        host.lack_link(type(link))
        with pytest.raises(RefusedError, match="this host's kernel makes no"):
            host.kernel.rehearse([link])

        assert host.kernel.read_all() == frozenset()

    @pytest.mark.parametrize("link", [VLAN])
    def test_so_is_a_vlan(self, host: Host, link: LinkResource) -> None:
        """With the module to load."""
        host.lack_link(type(link))
        with pytest.raises(RefusedError, match="this host's kernel makes no"):
            make(host, link)


class TestHandedOver:
    def test_it_is_found_in_the_sandbox(self, host: Host) -> None:
        """By a plugin that was not there when it was handed over, too."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.restart()

        assert host.kernel.missing_links([MACVLAN.ifname])
        assert host.kernel.read([MACVLAN]) == {MACVLAN}
        assert host.kernel.read_all() == frozenset()

    def test_it_is_gone_with_the_sandbox(self, host: Host) -> None:
        """And then its MAC address is free for another."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.end_sandboxes()
        again = replace(MACVLAN, ifname=IfName("pnc-2"), owner="n1/e2")
        make(host, again)
        host.hand_over(again.ifname)

        wait_until(lambda: host.kernel.read([MACVLAN, again]) == {again}, "it is still there")

    def test_it_is_gone_with_the_parent(self, host: Host) -> None:
        """The kernel deletes the link in the sandbox together with its parent."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.delete_link(PARENT)

        assert host.kernel.read([MACVLAN]) == frozenset()

    def test_it_is_taken_out_of_the_sandbox(self, host: Host) -> None:
        """The endpoint is deleted, and the engine did not hand the link back."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.kernel.remove([MACVLAN])

        assert host.kernel.read([MACVLAN]) == frozenset()

    def test_that_of_another_endpoint_is_none_of_it(self, host: Host) -> None:
        """The mark decides."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        other = replace(MACVLAN, ifname=IfName("pnc-2"), owner="n1/e2")
        host.kernel.remove([other])

        assert host.kernel.read([MACVLAN, other]) == {MACVLAN}


class TestHostLinks:
    def test_what_is_there_is_described(self, host: Host) -> None:
        """The rest is left out."""
        make(host, DUMMY)
        found = host.kernel.host_links([PARENT, DUMMY.ifname, IfName("up7")])

        assert set(found) == {PARENT, DUMMY.ifname}
        assert found[PARENT].up
        assert found[PARENT].mtu == 1500
        assert not found[PARENT].ours
        assert found[DUMMY.ifname].ours
