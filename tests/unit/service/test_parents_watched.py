"""Links of the host that networks stand on, as long as networks do: lost, changed, or on another LAN."""

from ipaddress import ip_interface, ip_network
from typing import Any

import pytest

from plugin.drivers.registry import bind
from plugin.health import Status
from plugin.model.ids import bridge_name, handoff_name
from plugin.model.parents import Routed
from tests.fakes.rig import Rig
from tests.fakes.values import a_network, an_endpoint
from tests.unit.service.test_parents import ETH0, on


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Of a host with a card."""
    rig.host.add_parent(ETH0, mtu=1450)
    return rig


def conditions(rig: Rig) -> dict[str, tuple[str, str]]:
    rig.parents.look_after()
    return {each.what: (each.why, each.remedy) for each in rig.health.conditions}


class TestLookAfter:
    @pytest.mark.parametrize(
        ("facts", "why", "remedy"),
        [
            ({"up": False}, "eth0 is down", "ip link set eth0 up"),
            ({"carrier": False}, "eth0 has no carrier", "check the cable"),
            (None, "eth0 is not there", "plug it in"),
        ],
    )
    @pytest.mark.parametrize("parent", ["eth0", "eth0.100"])
    def test_trouble_is_said_until_it_is_over(
        self, rig: Rig, parent: str, facts: dict[str, Any] | None, why: str, remedy: str
    ) -> None:
        """With the networks that have it."""
        network = on(parent)
        rig.networks.create(network)
        assert conditions(rig) == {}
        if facts is None:
            rig.host.delete_link(ETH0)
        else:
            rig.host.add_parent(ETH0, **facts)

        said = conditions(rig)["parent eth0"]
        assert why in said[0]
        assert network.id[:12] in said[0]
        assert remedy in said[1]
        assert rig.health.status is Status.DEGRADED
        rig.host.add_parent(ETH0)
        assert conditions(rig) == {}

    def test_what_would_be_refused_today_is_said(self, rig: Rig) -> None:
        """Another program made the parent a port of a bridge."""
        rig.networks.create(on("eth0"))
        rig.host.add_parent(ETH0, master_kind="bridge")

        why, remedy = conditions(rig)["parent eth0"]
        assert "would be refused today (parent eth0 is a port of a bridge" in why
        assert remedy == "take it out: ip link set eth0 nomaster"

    def test_what_else_was_done_to_a_parent(self, rig: Rig) -> None:
        """Its MTU was lowered."""
        rig.networks.create(on("eth0", mtu="1450"))
        rig.host.add_parent(ETH0, mtu=1400)

        why, remedy = conditions(rig)["parent eth0"]
        assert "at most 1400 bytes" in why
        assert "change it back" in remedy

    def test_what_may_not_work_is_a_hint(self, rig: Rig) -> None:
        """It degrades nothing, and goes with its network."""
        network = on("eth0")
        rig.networks.create(network)
        rig.host.add_parent(ETH0, bus_driver="virtio_net")
        assert conditions(rig) == {}
        (hint,) = rig.health.hints
        assert "allow promiscuous mode" in hint
        rig.networks.delete(network.id)

        assert conditions(rig) == {}
        assert rig.health.hints == ()

    def test_a_network_that_goes_takes_its_trouble_along(self, rig: Rig) -> None:
        """Nobody needs the parent any more."""
        network = on("eth0")
        rig.networks.create(network)
        rig.host.add_parent(ETH0, up=False)
        assert conditions(rig)
        rig.networks.delete(network.id)

        assert conditions(rig) == {}

    def test_links_that_concern_networks_are_known(self, rig: Rig) -> None:
        """To the watch that listens to the kernel."""
        rig.networks.create(on("eth0.100"))
        rig.networks.create(a_network("blue", "10.9.0.0/24"))

        assert rig.parents.concerns("eth0")
        assert rig.parents.concerns("eth0.100")
        assert not rig.parents.concerns("eth1")
        restarted = rig.restarted()
        restarted.parents.look_after()
        assert restarted.parents.concerns("eth0.100")

    def test_a_look_meanwhile_loses_no_link(self, rig: Rig) -> None:
        """The network is surveyed, and has no record yet."""
        rig.survey.survey(bind(on("eth0.100")))
        rig.parents.look_after()

        assert rig.parents.concerns("eth0.100")


class TestHealing:
    def test_a_link_in_a_sandbox_is_not_lost(self, rig: Rig) -> None:
        """The host does not see it any more."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.hand_over(handoff_name(endpoint.id))
        rig.healer.heal()

        found = rig.store.endpoint(endpoint.id)
        assert found is not None
        assert found.joined
        assert handoff_name(endpoint.id) not in rig.host.links

    def test_one_that_went_with_its_parent_is(self, rig: Rig) -> None:
        """The container has to be restarted: that is said until it is, whatever comes back."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.hand_over(handoff_name(endpoint.id))
        rig.host.delete_link(ETH0)
        rig.healer.heal()
        found = rig.store.endpoint(endpoint.id)
        assert found is not None
        assert not found.joined

        rig.host.add_parent(ETH0)
        rig = rig.restarted()
        rig.healer.heal()
        why, remedy = conditions(rig)[f"containers of {network.id[:12]}"]
        assert f"{endpoint.id[:12]} (10.1.0.2) lost the link" in why
        assert "docker restart" in remedy
        rig.endpoints.leave(network.id, endpoint.id)
        rig.healer.heal()
        assert conditions(rig) == {}

    def test_one_that_went_with_its_sandbox_is_not_missed(self, rig: Rig) -> None:
        """An engine that was killed left it, and nothing runs without it."""
        network = on("eth0")
        rig.networks.create(network)
        endpoint = rig.run(network, an_endpoint(network))
        rig.host.delete_link(handoff_name(endpoint.id))
        rig.healer.heal()

        assert conditions(rig) == {}


class TestDoubts:
    def test_a_subnet_that_is_not_the_parents_lan(self, rig: Rig) -> None:
        """Docker chose one, and the router of the LAN does not know it."""
        rig.host.add_parent("lan0", addresses=(ip_interface("192.0.2.2/24"),))
        rig.networks.create(on("lan0"))
        lan = a_network("lan", "192.0.2.0/24", mode="macvlan", options={"parent": "lan0"})
        rig.networks.create(lan)
        rig.parents.look_after()

        (hint,) = rig.health.hints
        assert "has subnet 10.1.0.0/24, and its parent lan0 is in 192.0.2.0/24" in hint

    def test_a_bridge_on_the_hosts_own_lan(
        self, rig: Rig, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It is made, as Docker makes it, and said: in the log, and in the status until it is removed."""
        rig.host.routed.append(Routed(prefix=ip_network("10.1.0.0/16"), ifname=ETH0))
        network = a_network("blue", "10.1.0.0/24")
        rig.networks.create(network)
        rig.parents.look_after()
        (hint,) = rig.health.hints
        rig.networks.delete(network.id)
        rig.parents.look_after()

        assert "and the host reaches 10.1.0.0/16 by eth0, so it mistakes one for the other" in hint
        assert rig.health.hints == ()

    def test_its_own_route_is_none(self, rig: Rig) -> None:
        """Nor that of a bridge that the user named, or of a parent."""
        network = a_network("blue", "10.1.0.0/24")
        rig.host.routed.append(
            Routed(prefix=ip_network("10.1.0.0/24"), ifname=bridge_name(network.id))
        )
        rig.networks.create(network)
        rig.parents.look_after()

        assert rig.health.hints == ()
