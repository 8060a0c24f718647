"""What other programs change is told; what pynet changes is not."""

import shutil
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue

import pytest

from plugin.firewall import skeleton
from plugin.kernel.link_watch import AnnouncedLink, LinkListener, LinkWatch, OwnLinks, ParentLinks
from plugin.kernel.links.ownership import GROUP_OURS
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.watches import PROCESS_NAME, AddressWatch, RulesetWatch
from plugin.model.rules import SetChange, SetEntry
from tests.kernel.netns import Netns

ELEMENT = 'element inet pynet pn_bridges { "x" }'


@pytest.fixture
def told(netns: Netns) -> Iterator[threading.Event]:
    """Set when the watch has something to tell; our table is there."""
    netns.run("nft", "-f", "-", stdin=skeleton.script(0x800))
    netns.run("nft", "add", *ELEMENT.split())
    event = threading.Event()
    watch = RulesetWatch(event.set)
    yield event
    watch.close()


def is_told(netns: Netns, told: threading.Event) -> bool:
    """Whether it was told soon; that it listens at all is seen by a later change."""
    first = told.wait(0.1)
    netns.run("nft", "flush", "ruleset")
    assert told.wait(60), "a flush must be told"
    return first


@pytest.mark.parametrize(
    "command",
    [
        "nft flush ruleset",
        "nft delete table inet pynet",
        "nft flush chain inet pynet pn_forward",
        f"nft delete {ELEMENT}",
        "nft insert rule inet pynet pn_forward accept",
        "nft add element inet pynet pn_bridges { y }",
        "nft add chain inet pynet other { type filter hook forward priority -9; policy drop; }",
    ],
)
def test_a_change_of_ours_is_told(netns: Netns, told: threading.Event, command: str) -> None:
    """At once, not with the next tick."""
    netns.run(*command.split())

    assert told.wait(60)


def test_docker_that_comes_is_told(netns: Netns, told: threading.Event) -> None:
    """Our rule has to move into its chain."""
    netns.run("iptables", "-N", "DOCKER-USER")

    assert told.wait(60)


def test_rules_that_do_not_concern_us_are_not(netns: Netns, told: threading.Event) -> None:
    """Docker changes some with every container."""
    netns.run("nft", "add", "table", "ip", "other")
    netns.run("nft", "delete", "table", "ip", "other")

    assert not is_told(netns, told)


def test_our_own_changes_are_not(netns: Netns, told: threading.Event, tmp_path: Path) -> None:
    """The kernel says whose they are: a loop would have no end."""
    nft = shutil.which("nft")
    assert nft
    own = tmp_path / PROCESS_NAME
    shutil.copy(nft, own)
    netns.run(str(own), "delete", *ELEMENT.split())

    assert not is_told(netns, told)


def test_nor_are_those_by_the_socket_that_rules_are_changed_by(
    netns: Netns, told: threading.Event
) -> None:
    """The kernel leaves them out, whatever the thread is called: each container has four."""
    with netns.entered():
        own, another = NfTables(), NfTables()
        name = b'"own"'.ljust(16, b"\0")
        added = SetChange(family="inet", name="pn_bridges", entries=(SetEntry(key=name),))
        own.change("pynet", [added])

        assert not told.wait(0.1)
        # A second conversation gets another number, and its changes are not pynet's if the thread
        # has another name.
        comm = Path("/proc/thread-self/comm")
        before = comm.read_text()
        comm.write_text("another")
        another.change("pynet", [replace(added, delete=True)])
        comm.write_text(before)
    assert told.wait(60)
    own.close()
    another.close()


class TestParents:
    @pytest.fixture
    def told(self, netns: Netns) -> Iterator[threading.Event]:
        """Set when something happened to up0."""
        netns.ip("link add up0 type veth peer name up1", "link set up0 up", "link set up1 up")
        netns.wait_for_carrier("up0")
        event = threading.Event()
        watch = LinkWatch(ParentLinks("up0".__eq__, event.set))
        yield event
        watch.close()

    @pytest.mark.parametrize("command", ["set up0 down", "set up1 down", "delete up0"])
    def test_what_becomes_of_it_is_told(
        self, netns: Netns, told: threading.Event, command: str
    ) -> None:
        """Its state, its carrier and its end."""
        netns.ip(f"link {command}")

        assert told.wait(60)

    def test_a_new_name_and_a_return_are_told(self, netns: Netns, told: threading.Event) -> None:
        """Under the name that it has lost.  Kernels before 6.2 rename no link that is up."""
        netns.ip("link set up0 down")
        assert told.wait(60)
        told.clear()
        netns.ip("link set up0 name up9")
        assert told.wait(60)
        told.clear()
        netns.ip("link set up9 name up0")

        assert told.wait(60)

    def test_other_links_are_not(self, netns: Netns, told: threading.Event) -> None:
        """Containers come and go; that it listens is seen by what happens to the parent then."""
        netns.ip("link add one type veth peer name other", "link set one up", "link delete one")

        assert not told.wait(0.1)
        netns.ip("link delete up0")
        assert told.wait(60)


class TestAddresses:
    @pytest.fixture
    def told(self, netns: Netns) -> Iterator[threading.Event]:
        """Set when the host has other addresses on up0."""
        netns.ip("link add up0 type veth peer name up1", "link set up0 up", "link set up1 up")
        netns.wait_for_carrier("up0")
        event = threading.Event()
        watch = AddressWatch("up0".__eq__, event.set)
        yield event
        watch.close()

    @pytest.mark.parametrize("address", ["192.0.2.5/24", "fd00:99::5/64"])
    def test_what_comes_and_goes_is_told(
        self, netns: Netns, told: threading.Event, address: str
    ) -> None:
        """A lease."""
        netns.ip(f"address add {address} dev up0")
        assert told.wait(60)
        told.clear()
        netns.ip(f"address delete {address} dev up0")

        assert told.wait(60)

    def test_what_is_said_again_is_not(self, netns: Netns, told: threading.Event) -> None:
        """A router repeats itself; nor are other links told of."""
        lasting = "fd00:99::5/64 dev up0 nodad valid_lft"
        netns.ip(f"address add {lasting} 1000 preferred_lft 1000")
        assert told.wait(60)
        told.clear()
        netns.ip(
            f"address change {lasting} 2000 preferred_lft 2000", "address add 192.0.2.5/24 dev up1"
        )

        assert not told.wait(0.1)
        netns.ip("address add 192.0.2.5/24 dev up0")
        assert told.wait(60)


def test_what_is_done_to_own_links_is_told(netns: Netns) -> None:
    """Once each; a change that does no harm is not."""
    netns.ip(
        "link add br0 up type bridge",
        f"link add vx0 group {GROUP_OURS} type vxlan id 7 dstport 4789 local 127.0.0.1",
        "link set vx0 up master br0 alias pynet:n1",
    )
    told: SimpleQueue[str] = SimpleQueue()
    watch = LinkWatch(OwnLinks(told.put, lambda: told.put("lost")))
    for harm in ("mtu 1000", "type vxlan local 127.0.0.2", "nomaster", "down"):
        netns.ip(f"link set vx0 {harm}")

        assert told.get(timeout=60) == "vx0", harm
    netns.ip("link set vx0 alias pynet:n2", "link delete vx0")

    assert told.get(timeout=60) == "vx0"
    watch.close()
    assert told.empty()


class Names(LinkListener):
    """Notes the name of each link that it hears of."""

    def __init__(self) -> None:
        super().__init__(lambda: self.heard.put("lost"))
        self.heard: SimpleQueue[str] = SimpleQueue()

    def hear(self, link: AnnouncedLink) -> None:
        self.heard.put(link.ifname)


def test_what_a_bridge_tells_of_its_ports_wakes_no_watch_of_links(netns: Netns) -> None:
    """It is half of what is announced in a container's life, and the links tell the same.

    They are down here: the kernel tells of carriers by and by.
    """
    netns.ip(
        "link add br0 type bridge",
        f"link add pnv-1 group {GROUP_OURS} type veth peer name eth0",
        "link set pnv-1 master br0 alias pynet:n1/e1",
    )
    names = Names()
    watch = LinkWatch(names)
    netns.run(*["bridge", "link", "set", "dev", "pnv-1", "hairpin", "on"])
    netns.ip("link add last type bridge")

    assert names.heard.get(timeout=60) == "last"
    watch.close()


def test_the_ends_that_containers_get_wake_no_watch_of_links(netns: Netns) -> None:
    """They are made, moved into a sandbox and back: that is the engine's, and nobody's on the host."""
    names = Names()
    watch = LinkWatch(names)
    netns.ip(
        f"link add pnc-1 group {GROUP_OURS} type bridge",
        "link set pnc-1 up",
        "link delete pnc-1",
        "link add pnc-2 type bridge",  # another's, whatever its name
        f"link add eth0 group {GROUP_OURS} type bridge",
    )

    assert [names.heard.get(timeout=60) for _ in range(2)] == ["pnc-2", "eth0"]
    watch.close()
    assert names.heard.empty()


def test_a_fault_is_told_and_the_next_change_is_heard(netns: Netns) -> None:
    """A watch that ended without a word would leave every change to the tick."""
    told = threading.Event()
    reasons: list[str] = []
    faults = iter([struct.error("unpack requires more bytes")])

    def concerns(ifname: str) -> bool:
        for fault in faults:
            raise fault
        return ifname == "up0"

    watch = LinkWatch(ParentLinks(concerns, told.set))
    watch.report_to(reasons.append)
    netns.ip("link add other type bridge")
    assert told.wait(60), "what was missed must be looked at"
    told.clear()

    netns.ip("link add up0 type bridge")

    assert told.wait(60)
    assert reasons == [
        "LinkWatch cannot read an announcement of the kernel: unpack requires more bytes"
    ]
    watch.close()
