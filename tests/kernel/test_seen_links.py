"""One look reads all links once, and believes only what is as it should be."""

from collections import Counter
from dataclasses import replace

import pytest

from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.rtnl import Rtnl
from plugin.model.ids import IfName
from plugin.model.resources import HostResource
from tests.kernel.netns import Netns
from tests.kernel.site import Site
from tests.kernel.test_links import BRIDGE, a_veth, make

PAIRS = [a_veth(number) for number in range(2, 12)]
PEERS = frozenset(pair.peer for pair in PAIRS)
WANTED: frozenset[HostResource] = frozenset({BRIDGE, *PAIRS})


@pytest.fixture
def asked(kernel: LinuxKernel, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the kernel is asked for one link, and for all."""
    made: Counter[str] = Counter()
    make(kernel, BRIDGE, *PAIRS)
    one, every = Rtnl.link, Rtnl.links

    def link(rtnl: Rtnl, ifname: IfName) -> object:
        made["one"] += 1
        return one(rtnl, ifname)

    def links(rtnl: Rtnl, nsid: int | None = None) -> object:
        made["all"] += 1
        return every(rtnl, nsid)

    monkeypatch.setattr(Rtnl, "link", link)
    monkeypatch.setattr(Rtnl, "links", links)
    return made


def test_the_kernel_is_asked_once(kernel: LinuxKernel, asked: Counter[str]) -> None:
    """However many links there are, and however often they are looked at."""
    with kernel.one_look():
        for _ in range(3):
            assert kernel.read(WANTED) == WANTED

    assert asked == {"all": 1}


def test_what_came_since_is_found(kernel: LinuxKernel, netns: Netns, asked: Counter[str]) -> None:
    """A link that an earlier list lacks may have been made by a call."""
    more = a_veth(12)
    with kernel.one_look():
        kernel.read(WANTED)
        netns.ip("link set pnv-2 down")
        assert kernel.read([more]) == frozenset()
        make(kernel, more)
        assert kernel.read([more, *WANTED]) == {
            more,
            replace(PAIRS[0], owner=""),
            *WANTED - {PAIRS[0]},
        }


def test_what_has_been_repaired_is_believed(
    kernel: LinuxKernel, netns: Netns, asked: Counter[str]
) -> None:
    """By any program: what differs is looked at again."""
    netns.ip("link set pnv-2 down")
    with kernel.one_look():
        assert kernel.read(WANTED) != WANTED
        netns.ip("link set pnv-2 up")
        assert kernel.read(WANTED) == WANTED


def test_links_that_came_back(kernel: LinuxKernel, netns: Netns, asked: Counter[str]) -> None:
    """One that went into a sandbox since is not taken for one that is here."""
    with kernel.one_look():
        assert kernel.returned_links(PEERS) == PEERS
        netns.ip("link set pnc-2 name gone")
        assert kernel.returned_links(PEERS) == PEERS - {IfName("pnc-2")}
    assert kernel.returned_links(PEERS) == PEERS - {IfName("pnc-2")}


def test_a_comparison_of_many_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """`pynet check` reads all links once, and not for each network: there may be hundreds of both."""
    lists = Counter[str]()
    every = Rtnl.links

    def links(rtnl: Rtnl, nsid: int | None = None) -> object:
        lists["all"] += 1
        return every(rtnl, nsid)

    site = Site()
    with site.host.entered():
        for number in range(4):
            site.container(site.network(f"net{number}", f"10.{number}.0.0/24"))
        monkeypatch.setattr(Rtnl, "links", links)
        found = site.inspection.differences()
        site.close()

    assert found == []
    assert lists == {"all": 1}
