"""Both kernels on links that stand on a parent: made, handed over, found again, taken away."""

from dataclasses import replace

import pytest

from plugin.errors import ForeignLinkError, KernelError
from plugin.model.ids import IfName, MacAddress
from plugin.model.resources import Dummy, HostResource, Macvlan, MacvlanMode
from tests.contract.hosts import Host, make
from tests.kernel.netns import wait_until

PARENT = IfName("up0")
DUMMY = Dummy(ifname=IfName("pnd-1"), mtu=1400, mark="n1")
MACVLAN = Macvlan(
    ifname=IfName("pnc-1"),
    parent=PARENT,
    mode=MacvlanMode.BRIDGE,
    mac_address=MacAddress("02:00:00:00:00:07"),
    mtu=None,
    mark="n1/e1",
)


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
        assert {each.key for each in host.kernel.read_marked()} == {link.key}

    def test_a_link_on_a_parent_that_leads_nowhere(self, host: Host) -> None:
        """For a network without one."""
        link = replace(MACVLAN, parent=DUMMY.ifname)
        for _ in range(2):
            make(host, DUMMY, link)

        assert host.kernel.read([DUMMY, link]) == {DUMMY, link}
        marked = {(type(each), each.key, each.mark) for each in host.kernel.read_marked()}
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


class TestHandedOver:
    def test_it_is_found_in_the_sandbox(self, host: Host) -> None:
        """By a plugin that was not there when it was handed over, too."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.restart()

        assert host.kernel.missing_links([MACVLAN.ifname])
        assert host.kernel.read([MACVLAN]) == {MACVLAN}
        assert host.kernel.read_marked() == frozenset()

    def test_it_is_gone_with_the_sandbox(self, host: Host) -> None:
        """And then its MAC address is free for another."""
        make(host, MACVLAN)
        host.hand_over(MACVLAN.ifname)
        host.end_sandboxes()
        again = replace(MACVLAN, ifname=IfName("pnc-2"), mark="n1/e2")
        make(host, again)
        host.hand_over(again.ifname)

        wait_until(lambda: host.kernel.read([MACVLAN, again]) == {again}, "it is still there")

    def test_it_is_gone_with_the_parent(self, host: Host) -> None:
        """Whoever unplugs the one takes the other from the sandbox."""
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
        other = replace(MACVLAN, ifname=IfName("pnc-2"), mark="n1/e2")
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
