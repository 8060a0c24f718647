"""Networks that are refused: for their options, or for what another network has."""

from dataclasses import replace
from ipaddress import ip_interface
from itertools import combinations_with_replacement

import pytest

from plugin.errors import (
    ForeignLinkError,
    GatewayOutsideError,
    InvalidOptionError,
    RefusedError,
    SubnetOverlapError,
)
from plugin.model.ids import IfName, NetworkID
from plugin.model.network import Network
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, a_pool

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
_ON_ETH0 = {"mode": "macvlan", "parent": "eth0"}
WAYS: dict[str, dict[str, str]] = {
    "bridge": {},
    "with access": {**_ON_ETH0, "host_access": "true"},
    "by docker": {**_ON_ETH0, "publish": "docker"},
    "on a parent": _ON_ETH0,
    "at layer 3": {"mode": "ipvlan", "parent": "eth2", "ipvlan_mode": "l3"},
    "isolated": {"mode": "macvlan"},
    "null": {"mode": "null"},
}
PAIRS = list(combinations_with_replacement(WAYS, 2))
KNOWN_TO_HOST = {"bridge", "with access", "by docker"}


def _parent(name: str, network: Network) -> dict[str, str]:
    """Another parent, for a network that has one of its own kind."""
    return {"parent": name} if network.options.get("parent") == "eth0" else {}


class TestRefusals:
    @pytest.mark.parametrize(
        ("network", "error", "message"),
        [
            (a_network(mode="brigde"), InvalidOptionError, "option mode is 'brigde', expected"),
            (a_network(options={"mtu": "x"}), InvalidOptionError, "option mtu is 'x'"),
            (
                a_network(pools=(a_pool("10.1.0.0/24", "10.9.0.1/24"),)),
                GatewayOutsideError,
                "gateway 10.9.0.1 is outside",
            ),
            (
                a_network(options={"bridge_name": "eth0"}),
                ForeignLinkError,
                "a link named eth0 exists and is not this network's",
            ),
            (
                a_network("new", "10.7.128.0/17"),
                SubnetOverlapError,
                "subnet 10.7.128.0/17 overlaps 10.7.0.0/16 of network 7468656d0000, and the host has",
            ),
            (a_network("new", "10.0.0.0/8"), SubnetOverlapError, "overlaps 10.7.0.0/16"),
            (
                a_network("new", "10.8.0.0/24", "fd00:7::/80"),
                SubnetOverlapError,
                "subnet fd00:7::/80 overlaps fd00:7::/64",
            ),
            (
                a_network("new", options={"bridge_name": "thems"}),
                RefusedError,
                "bridge thems is used by network 7468656d0000 already; choose another bridge_name",
            ),
            (
                a_network("new", options={"bridge_name": "docker0"}),
                RefusedError,
                "bridge docker0 belongs to a network of Docker's own driver; choose another",
            ),
        ],
    )
    def test_nothing_is_changed(
        self, rig: Rig, network: Network, error: type[RefusedError], message: str
    ) -> None:
        """Not by what was asked, nor in what was there."""
        rig.host.add_foreign_link("eth0")
        rig.host.add_foreign_link("thems", "bridge")
        rig.host.add_foreign_link("docker0", "bridge")
        rig.networks.create(
            a_network("them", "10.7.0.0/16", "fd00:7::/64", options={"bridge_name": "thems"})
        )
        before = (rig.held(), rig.store.networks())
        with pytest.raises(error) as refusal:
            rig.networks.create(network)

        assert message in str(refusal.value)
        assert (rig.held(), rig.store.networks()) == before
        assert "eth0" in rig.host.links

    @pytest.mark.parametrize(("way", "other_way"), PAIRS)
    def test_one_subnet_of_two(self, rig: Rig, way: str, other_way: str) -> None:
        """Only where the host has a way or a rule to both it could not tell them apart."""
        for parent in ("eth0", "eth1", "eth2"):
            rig.host.add_parent(IfName(parent), addresses=(ip_interface("10.1.0.9/24"),))
        one, other = (
            a_network(
                name, "10.1.0.0/24", mode=WAYS[each].get("mode", "bridge"), options=WAYS[each]
            )
            for name, each in (("one", way), ("other", other_way))
        )
        other = replace(other, options={**other.options, **_parent("eth1", other)})
        rig.networks.create(one)
        if {way, other_way} <= KNOWN_TO_HOST:
            with pytest.raises(SubnetOverlapError, match="and the host has ways to both"):
                rig.networks.create(other)
        else:
            rig.networks.create(other)

        assert len(rig.store.networks()) == (1 if {way, other_way} <= KNOWN_TO_HOST else 2)
        assert rig.held() == rig.wanted()

    def test_a_lan_in_two_parts(self, rig: Rig) -> None:
        """Both on one parent, each with a range of its own."""
        rig.host.add_parent(IfName("eth0"))
        options = {"mode": "macvlan", "parent": "eth0"}
        for name in ("one", "other"):
            rig.networks.create(a_network(name, "10.1.0.0/24", mode="macvlan", options=options))

        assert len(rig.store.networks()) == 2

    def test_a_subnet_is_free_again_after_its_network(self, rig: Rig) -> None:
        """At once."""
        rig.networks.create(BLUE)
        rig.networks.delete(BLUE.id)
        rig.networks.create(replace(BLUE, id=NetworkID("f" * 64)))

        assert rig.held() == rig.wanted()
