"""Links as the kernel shows them, and how a restarted plugin knows its own."""

import json
import socket
from ipaddress import ip_interface
from typing import Any

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.conversations import conversation
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.addresses import Address
from plugin.model.ids import IfName, MacAddress
from plugin.model.links import Bridge, Hairpin, Veth
from plugin.model.resources import HostResource, LinkResource
from tests.kernel.netns import Netns, wait_until

pytestmark = pytest.mark.kernels

BRIDGE = Bridge(
    ifname=IfName("pnb-1"), mac_address=MacAddress("02:00:00:00:00:01"), mtu=1400, owner="n1"
)


def a_veth(number: int = 2) -> Veth:
    return Veth(
        ifname=IfName(f"pnv-{number}"),
        peer=IfName(f"pnc-{number}"),
        peer_mac_address=MacAddress(f"02:00:00:00:01:{number:02x}"),
        master=BRIDGE.ifname,
        mtu=1400,
        owner=f"n1/e{number}",
    )


VETH = a_veth()


def make(kernel: LinuxKernel, *resources: HostResource) -> None:
    kernel.ensure(resources, lambda _: None)


def marked_links(kernel: LinuxKernel) -> list[LinkResource]:
    return [each for each in kernel.read_all() if isinstance(each, LinkResource)]


def shown(netns: Netns, ifname: str) -> dict[str, Any]:
    """The link as ``ip`` shows it."""
    found: list[dict[str, Any]] = json.loads(netns.run("ip", "-json", "-d", "link", "show", ifname))
    return found[0]


class TestBridge:
    def test_it_is_up_with_all_it_was_given(self, kernel: LinuxKernel, netns: Netns) -> None:
        """And the mark that a person can read."""
        make(kernel, BRIDGE)

        link = shown(netns, "pnb-1")
        assert (link["address"], link["mtu"], link["ifalias"]) == (
            "02:00:00:00:00:01",
            1400,
            "pynet:n1",
        )
        assert "UP" in link["flags"]
        assert link["linkinfo"]["info_kind"] == "bridge"

    def test_its_mtu_stays_as_ports_come_and_go(self, kernel: LinuxKernel, netns: Netns) -> None:
        """Also without any, and with one that another program plugs in."""
        make(kernel, BRIDGE, VETH)
        netns.ip("link add other mtu 1300 type veth", "link set other master pnb-1")
        assert shown(netns, "pnb-1")["mtu"] == 1400
        netns.ip("link delete other")
        kernel.remove([VETH])
        kernel.settle()

        assert shown(netns, "pnb-1")["mtu"] == 1400

    def test_its_address_stays_as_ports_come_and_go(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """Else neighbours would keep a stale entry for the gateway."""
        make(kernel, BRIDGE, VETH)
        netns.ip("link set pnv-2 address 00:00:00:00:00:99")
        kernel.remove([VETH])
        kernel.settle()

        assert shown(netns, "pnb-1")["address"] == BRIDGE.mac_address

    def test_a_bridge_that_was_set_down_comes_up_again(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """It differs from its plan until then."""
        make(kernel, BRIDGE)
        netns.ip("link set pnb-1 down")
        lost = kernel.read([BRIDGE])
        make(kernel, BRIDGE)

        assert lost != {BRIDGE}
        assert kernel.read([BRIDGE]) == {BRIDGE}


class TestVeth:
    def test_both_ends_have_what_they_were_given(self, kernel: LinuxKernel, netns: Netns) -> None:
        """The far end is dockerd's to set up; its MAC address and MTU survive that."""
        make(kernel, BRIDGE, VETH)

        near, far = shown(netns, "pnv-2"), shown(netns, "pnc-2")
        assert (near["master"], near["mtu"], near["ifalias"]) == ("pnb-1", 1400, "pynet:n1/e2")
        assert "UP" in near["flags"]
        assert (far["address"], far["mtu"]) == (VETH.peer_mac_address, 1400)
        assert "ifalias" not in far
        assert near["group"] == far["group"] != "default"

    def test_the_far_end_goes_with_it_wherever_it_is(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """A sandbox that outlived its endpoint."""
        sandbox = Netns()
        make(kernel, BRIDGE, VETH)
        netns.ip(f"link set pnc-2 netns {sandbox.path} name eth0")
        kernel.remove([VETH])
        kernel.settle()

        assert json.loads(sandbox.run("ip", "-json", "link"))[1:] == []
        sandbox.close()

    def test_the_near_end_is_set_right_while_the_far_end_is_away(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """A restarted plugin finds the pair in use, and leaves it in use."""
        sandbox = Netns()
        make(kernel, BRIDGE, VETH)
        netns.ip(f"link set pnc-2 netns {sandbox.path} name eth0", "link set pnv-2 nomaster")
        index = shown(netns, "pnv-2")["ifindex"]
        make(kernel, VETH)

        assert shown(netns, "pnv-2")["ifindex"] == index
        assert kernel.read([VETH]) == {VETH}
        sandbox.close()


class TestHairpin:
    def test_the_flag_is_on_and_off(self, kernel: LinuxKernel, netns: Netns) -> None:
        """Of the port alone."""
        hairpin = Hairpin(ifname=VETH.ifname)

        def flag() -> bool:
            data = shown(netns, "pnv-2")["linkinfo"]["info_slave_data"]
            return bool(data["hairpin"])

        make(kernel, BRIDGE, VETH)
        before = flag()
        make(kernel, hairpin)
        during = flag()
        kernel.remove([hairpin])

        assert (before, during, flag()) == (False, True, False)


class TestRemoval:
    @pytest.mark.parametrize("resource", [Hairpin(ifname=VETH.ifname), VETH], ids=["flag", "link"])
    def test_what_goes_while_we_look_is_gone(
        self,
        kernel: LinuxKernel,
        netns: Netns,
        monkeypatch: pytest.MonkeyPatch,
        resource: HostResource,
    ) -> None:
        """A sandbox that ends takes its links along, even between two of pynet's messages."""
        make(kernel, BRIDGE, VETH)
        with conversation() as rtnl:
            seen = rtnl.link(VETH.ifname)
        netns.run("ip", "link", "delete", VETH.ifname)
        monkeypatch.setattr(Rtnl, "link", lambda *_: seen)

        kernel.remove([resource])


class TestAddress:
    def test_an_address_of_ipv6_is_usable_at_once(self, kernel: LinuxKernel, netns: Netns) -> None:
        """A bridge without ports has no carrier, and would doubt its address until it has."""
        make(
            kernel,
            BRIDGE,
            Address(ifname=BRIDGE.ifname, interface=ip_interface("fd00:1::1/64")),
        )

        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("fd00:1::1", 0))
        assert "tentative" not in netns.run("ip", "-6", "address", "show", "to", "fd00:1::1")


class TestMarks:
    def test_a_plugin_that_starts_again_makes_nothing_anew(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """Adopted: the very same links."""
        make(kernel, BRIDGE, VETH)
        before = [shown(netns, name)["ifindex"] for name in ("pnb-1", "pnv-2", "pnc-2")]
        kernel.close()
        again = LinuxKernel()
        make(again, BRIDGE, VETH)

        assert [shown(netns, name)["ifindex"] for name in ("pnb-1", "pnv-2", "pnc-2")] == before
        again.close()

    @pytest.mark.parametrize("resource", [BRIDGE, VETH], ids=["bridge", "veth"])
    def test_a_process_that_died_before_it_wrote_the_name(
        self, kernel: LinuxKernel, netns: Netns, resource: Bridge | Veth
    ) -> None:
        """The group is set in the message that makes the link; the alias comes after."""
        make(kernel, BRIDGE, VETH)
        netns.run("ip", "link", "set", resource.ifname, "alias", "")

        found = {(each.ifname, each.owner) for each in marked_links(kernel)}
        assert (resource.ifname, "") in found
        make(kernel, resource)
        assert kernel.read([resource]) == {resource}

    @pytest.mark.parametrize("resource", [BRIDGE, VETH], ids=["bridge", "veth"])
    def test_what_has_no_name_yet_can_be_swept(
        self, kernel: LinuxKernel, netns: Netns, resource: Bridge | Veth
    ) -> None:
        """The process that made the link died before it named the owner."""
        make(kernel, BRIDGE, VETH)
        netns.run("ip", "link", "set", resource.ifname, "alias", "")
        kernel.remove([each for each in marked_links(kernel) if each.ifname == resource.ifname])
        kernel.settle()

        assert kernel.missing_links([resource.ifname]) == {resource.ifname}

    def test_an_alias_alone_makes_no_link_ours(self, kernel: LinuxKernel, netns: Netns) -> None:
        """Any program can write one."""
        netns.ip("link add other type bridge", "link set other alias pynet:n1")

        assert kernel.read_all() == frozenset()

    def test_a_far_end_is_no_link_of_its_own(self, kernel: LinuxKernel) -> None:
        """It goes with its pair: swept alone, it would take the pair with it."""
        make(kernel, BRIDGE, VETH)

        assert {each.ifname for each in marked_links(kernel)} == {"pnb-1", "pnv-2"}


class TestReaper:
    def test_removed_links_are_gone_soon(self, kernel: LinuxKernel) -> None:
        """The reaper deletes them without another call."""
        make(kernel, BRIDGE, VETH)
        kernel.remove([VETH, BRIDGE])
        names = {BRIDGE.ifname, VETH.ifname, VETH.peer}

        wait_until(lambda: kernel.missing_links(names) == names, "the links are still there")

    def test_removed_links_are_ours_no_more(self, kernel: LinuxKernel) -> None:
        """A sweep between removal and deletion must not find them again."""
        make(kernel, BRIDGE, VETH)
        kernel.remove([VETH, BRIDGE])

        assert kernel.read_all() == frozenset()

    def test_many_go_together_and_the_rest_stays(self, kernel: LinuxKernel) -> None:
        """``docker rm -f`` of them all."""
        veths = [a_veth(number) for number in range(2, 22)]
        make(kernel, BRIDGE, *veths)
        kernel.remove(veths[1:])
        kernel.settle()

        assert {each.ifname for each in marked_links(kernel)} == {"pnb-1", "pnv-2"}

    def test_closing_finishes_the_work(self, kernel: LinuxKernel, netns: Netns) -> None:
        """What was removed in the last moment does not stay for the next life."""
        make(kernel, BRIDGE, VETH)
        kernel.remove([VETH])
        kernel.close()

        names = [link["ifname"] for link in json.loads(netns.run("ip", "-json", "link"))]
        assert names == ["lo", "pnb-1"]

    def test_a_bridge_that_is_down_is_removed_as_it_was_read(
        self, kernel: LinuxKernel, netns: Netns
    ) -> None:
        """A sweep knows it by what it read; another program has set it down, and no network owns it."""
        make(kernel, BRIDGE)
        netns.ip(f"link set {BRIDGE.ifname} down")
        kernel.remove(list(kernel.read_all()))
        kernel.settle()

        assert kernel.missing_links([BRIDGE.ifname]) == {BRIDGE.ifname}
