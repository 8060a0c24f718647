"""That the machine is what its tests expect: each thing here is missing from some kernel."""

import pytest

from tests.kernel.netns import Netns

pytestmark = pytest.mark.vm


@pytest.mark.parametrize(
    "kind",
    [
        "type vlan id 100",
        "type ipvlan mode l2",
        "type ipvlan mode l3s",
        "type macvlan mode bridge",
    ],
)
def test_links_on_a_parent(netns: Netns, kind: str) -> None:
    """Those of the network modes that give containers a place on the host's wire."""
    netns.ip("link add parent type dummy", f"link add child link parent {kind}")

    assert kind.split()[1] in netns.run("ip", "-details", "link", "show", "child")


@pytest.mark.parametrize(
    "kind", ["bridge vlan_filtering 1", "vxlan id 7 dstport 4789", "vrf table 10", "wireguard"]
)
def test_links_of_their_own(netns: Netns, kind: str) -> None:
    """A bridge that filters VLANs, tunnels, and a routing table with a link."""
    netns.ip(f"link add own type {kind}")

    assert kind.split(maxsplit=1)[0] in netns.run("ip", "-details", "link", "show", "own")


def test_a_flowtable(netns: Netns) -> None:
    """The fast path of forwarded connections."""
    netns.ip("link add parent type dummy")
    netns.run("nft", "add table inet t")
    flowtable = "{ hook ingress priority filter; devices = { parent }; }"
    netns.run("nft", f"add flowtable inet t fast {flowtable}")

    assert "flowtable fast" in netns.run("nft", "list table inet t")
