"""Both kernels on VLANs of a parent: pynet's, the host's, and those that others stand on."""

from dataclasses import replace

import pytest

from plugin.errors import ForeignLinkError, RefusedError
from tests.contract.hosts import Host, make
from tests.contract.test_kernel_stacked import MACVLAN, PARENT, VLAN


@pytest.fixture
def host(host: Host) -> Host:
    """With a parent."""
    host.add_parent(PARENT)
    return host


@pytest.mark.kernels
class TestVlan:
    def test_a_sub_interface(self, host: Host) -> None:
        """That links stand on, and goes with the last who wants it."""
        host.need_link("vlan")
        link = replace(MACVLAN, parent=VLAN.ifname)
        for _ in range(2):
            make(host, VLAN, link)

        assert host.kernel.read([VLAN, link]) == {VLAN, link}
        assert (VLAN.key, "shared") in {(m.key, m.owner) for m in host.kernel.read_all()}
        found = host.kernel.host_links([VLAN.ifname])[VLAN.ifname]
        assert found.ours
        host.kernel.remove([link, VLAN])
        host.settle()
        assert host.kernel.read([VLAN, link]) == frozenset()

    def test_one_that_is_there_is_as_good(self, host: Host) -> None:
        """And is left."""
        host.need_link("vlan")
        host.add_vlan(VLAN.ifname, PARENT, 100)
        make(host, VLAN)
        found = host.kernel.host_links([VLAN.ifname])[VLAN.ifname]

        assert (found.lower, found.vlan, found.ours) == (PARENT, 100, False)
        assert host.kernel.read([VLAN]) == {VLAN}
        host.kernel.remove([VLAN])
        host.settle()
        assert not host.kernel.missing_links([VLAN.ifname])

    def test_another_number_is_another_link(self, host: Host) -> None:
        """Whatever its name says."""
        host.need_link("vlan")
        host.add_vlan(VLAN.ifname, PARENT, 200)
        with pytest.raises(ForeignLinkError):
            make(host, VLAN)

        assert host.kernel.read([VLAN]) != {VLAN}

    def test_one_by_another_name_is_refused(self, host: Host) -> None:
        """With that name: the kernel has one link for a number."""
        host.need_link("vlan")
        host.add_vlan("vlan100", PARENT, 100)
        with pytest.raises(RefusedError, match="is there already, as vlan100; use parent=vlan100"):
            make(host, VLAN)

        assert host.kernel.read_all() == frozenset()

    def test_one_in_use_stays(self, host: Host) -> None:
        """Removing it would remove the link of a container of Docker's on it; it goes afterwards."""
        host.need_link("vlan")
        make(host, VLAN)
        host.use_vlan(VLAN.ifname)
        host.kernel.remove([VLAN])
        host.settle()

        assert host.kernel.read([VLAN]) == {VLAN}
        assert host.kernel.read_all() == frozenset()
        host.stop_using_vlan(VLAN.ifname)
        assert {each.key for each in host.kernel.read_all()} == {VLAN.key}
        host.kernel.remove([VLAN])
        host.settle()
        assert host.kernel.read([VLAN]) == frozenset()
