"""Links on a parent, by what the kernel does with them."""

from dataclasses import replace
from pathlib import Path

import pytest

from plugin.errors import RefusedError
from plugin.kernel.links import children
from plugin.kernel.links.host_links import read as read_host_links
from plugin.kernel.links.macvlan import MacvlanHandler
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Macvlan, MacvlanMode, Shim
from plugin.model.parents import HostLink
from tests.kernel.netns import Netns

MACVLAN = Macvlan(
    ifname=IfName("pnc-1"),
    parent=IfName("up0"),
    mode=MacvlanMode.BRIDGE,
    mac_address=MacAddress("02:00:00:00:00:07"),
    mtu=None,
    owner="n1/e1",
)
SHIM = Shim(
    ifname=IfName("pnh-1"),
    parent=IfName("up0"),
    mac_address=MacAddress("02:00:00:00:00:09"),
    mtu=None,
    ipv6=True,
    owner="n1",
)
OTHER = replace(MACVLAN, ifname=IfName("pnc-2"), owner="n1/e2")


@pytest.fixture(autouse=True)
def wire(netns: Netns) -> None:
    netns.ip("link add up0 type veth peer name up1", "link set up0 up", "link set up1 up")


def make(kernel: LinuxKernel, link: Macvlan) -> None:
    kernel.ensure([link], lambda _: None)


def host_link(ifname: str, root: Path = Path("/nowhere")) -> HostLink:
    with conversation() as rtnl:
        return read_host_links(rtnl, [IfName(ifname)], root)[IfName(ifname)]


class TestMacAddresses:
    def test_one_that_is_up_is_waited_for_and_then_refused(
        self, netns: Netns, kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Wherever the link that has it is."""
        monkeypatch.setattr(children, "PATIENCE_SECONDS", 0.1)
        make(kernel, MACVLAN)
        sandbox = Netns()
        netns.ip(f"link set pnc-1 netns {sandbox.path}")
        sandbox.ip("link set pnc-1 up")
        with pytest.raises(RefusedError, match="02:00:00:00:00:07 is in use on up0: another link"):
            make(kernel, OTHER)
        sandbox.ip("link set pnc-1 down")
        make(kernel, OTHER)

        assert kernel.read([OTHER]) == {OTHER}
        sandbox.close()

    def test_the_parents_own_is_refused(self, kernel: LinuxKernel) -> None:
        """At once: it will not go away."""
        own = replace(MACVLAN, mac_address=host_link("up0").mac_address)
        with pytest.raises(RefusedError, match="is in use on up0: the parent itself has it"):
            make(kernel, own)

        assert kernel.missing_links([own.ifname])

    def test_passthru_takes_the_parents(self, kernel: LinuxKernel) -> None:
        """Whatever was asked for; the engine sets the one that the user chose."""
        link = replace(MACVLAN, mode=MacvlanMode.PASSTHRU, mac_address=None)
        make(kernel, link)

        assert host_link("pnc-1").mac_address == host_link("up0").mac_address


class TestRefusals:
    def test_a_port_of_a_bridge(self, netns: Netns, kernel: LinuxKernel) -> None:
        """Another program enslaved the parent after the network was made."""
        netns.ip("link add br0 type bridge", "link set up0 master br0")
        with pytest.raises(
            RefusedError, match=r"up0 cannot carry a macvlan link.*take it out of there"
        ):
            make(kernel, MACVLAN)

    def test_beside_passthru(self, kernel: LinuxKernel) -> None:
        """Another program's link, or Docker's."""
        make(kernel, replace(MACVLAN, mode=MacvlanMode.PASSTHRU, mac_address=None))
        with pytest.raises(RefusedError, match="macvlan_mode=passthru has the parent exclusively"):
            make(kernel, OTHER)

    def test_what_is_deleted_while_it_is_in_the_way(
        self, kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The reaper's own thread may come between the refusal and its reason."""
        first = replace(MACVLAN, mode=MacvlanMode.PASSTHRU, mac_address=None)
        make(kernel, first)
        make_macvlan = MacvlanHandler.make

        def slowly(handler: MacvlanHandler, rtnl: Rtnl, macvlan: Macvlan) -> None:
            try:
                make_macvlan(handler, rtnl, macvlan)
            except RefusedError:
                kernel.settle()
                raise

        monkeypatch.setattr(MacvlanHandler, "make", slowly)
        kernel.remove([first])
        make(kernel, OTHER)

        assert kernel.read([OTHER]) == {OTHER}

    @pytest.mark.kernels
    def test_what_dies_with_its_sandbox_is_waited_for(
        self, netns: Netns, kernel: LinuxKernel
    ) -> None:
        """The kernel ends a namespace in its own time, and nobody sees into it meanwhile."""
        for number in range(3):
            link = replace(
                MACVLAN, mode=MacvlanMode.PASSTHRU, mac_address=None, owner=f"n/{number}"
            )
            make(kernel, link)
            sandbox = Netns()
            netns.ip(f"link set pnc-1 netns {sandbox.path}")
            sandbox.ip("link set pnc-1 up")
            sandbox.close()

        make(kernel, OTHER)

    def test_what_is_no_ethernet(self, netns: Netns, kernel: LinuxKernel) -> None:
        """A tunnel has no MAC addresses."""
        netns.ip("tuntap add dev tun0 mode tun", "link set tun0 up")
        with pytest.raises(RefusedError, match=r"tun0 cannot carry.*it is no Ethernet link"):
            make(kernel, replace(MACVLAN, parent=IfName("tun0")))

        assert not host_link("tun0").ethernet
        assert host_link("up0").ethernet

    def test_more_than_the_parents_mtu(self, kernel: LinuxKernel) -> None:
        """It was lowered after the network was made."""
        with pytest.raises(RefusedError, match="its MTU is 1500, and the network's is 1600"):
            make(kernel, replace(MACVLAN, mtu=1600))

    def test_a_shim_on_a_port_of_a_bridge(self, netns: Netns, kernel: LinuxKernel) -> None:
        """In the same words."""
        netns.ip("link add br0 type bridge", "link set up0 master br0")
        with pytest.raises(RefusedError, match=r"up0 cannot carry a macvlan link.*take it out"):
            kernel.ensure([SHIM], lambda _: None)


class TestSwappedNames:
    def test_a_shim_goes_to_the_right_card(self, netns: Netns, kernel: LinuxKernel) -> None:
        """A link cannot change its parent: it is made anew."""
        netns.ip("link add up2 type veth peer name up3", "link set up2 up", "link set up3 up")
        kernel.ensure([SHIM], lambda _: None)
        before = netns.index_of("up0")
        netns.ip(
            *("link set up0 down", "link set up2 down"),
            *("link set up0 name tmp", "link set up2 name up0", "link set tmp name up2"),
            *("link set up0 up", "link set up2 up"),
        )
        assert kernel.read([SHIM]) != {SHIM}
        kernel.ensure([SHIM], lambda _: None)

        assert netns.index_of("up0") != before
        assert kernel.read([SHIM]) == {SHIM}


class TestHostLinks:
    def test_what_the_kernel_says(self, netns: Netns, kernel: LinuxKernel) -> None:
        """Of loopback, carrier, state and master."""
        netns.ip(
            "link add br0 type bridge",
            "link add v0 type veth peer name v1",
            "link set v0 master br0",
            "link set up1 down",
        )

        assert host_link("lo").loopback
        assert host_link("v0").master_kind == "bridge"
        assert not host_link("v0").up
        assert host_link("up0").up
        netns.ip("link set up1 up")
        netns.wait_for_carrier("up0")
        assert host_link("up0").carrier

    def test_other_names_of_a_link(self, netns: Netns) -> None:
        """Are told from its own."""
        netns.ip("link property add dev up0 altname uplink")

        assert host_link("uplink").ifname == "up0"

    def test_what_sysfs_says(self, netns: Netns, tmp_path: Path) -> None:
        """Of Wi-Fi, drivers and hypervisors, if it is the same link that it speaks of."""
        net = tmp_path / "net"
        entry = net / "up0"
        (entry / "wireless").mkdir(parents=True)
        (entry / "device" / "physfn").mkdir(parents=True)
        (tmp_path / "dmi" / "id").mkdir(parents=True)
        (tmp_path / "dmi" / "id" / "sys_vendor").write_text("QEMU\n")
        (tmp_path / "drivers" / "virtio_net").mkdir(parents=True)
        (entry / "device" / "driver").symlink_to(tmp_path / "drivers" / "virtio_net")
        (entry / "ifindex").write_text(f"{netns.index_of('up0')}\n")
        (entry / "address").write_text(f"{host_link('up0').mac_address}\n")
        found = host_link("up0", net)

        assert found.wireless
        assert found.bus_driver == "virtio_net"
        assert found.virtual_function
        assert found.in_guest
        (entry / "ifindex").write_text("77\n")
        assert not host_link("up0", net).wireless


def test_sandboxes_that_have_ended(kernel: LinuxKernel, tmp_path: Path) -> None:
    """A file that is missing where its folder is there; of other folders pynet cannot tell."""
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.touch()
    keys = [str(there), str(gone), str(tmp_path / "nowhere" / "hidden")]

    assert kernel.ended_sandboxes(keys) == {str(gone)}
