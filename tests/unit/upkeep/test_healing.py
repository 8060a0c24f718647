"""At start, at every tick and after another program's change, the host gets what the state says."""

import pytest

from plugin.bootstrap.assembly import assemble
from plugin.health import Status
from plugin.model.facts import Fact
from plugin.model.ids import IfName, bridge_name
from plugin.model.nat import Published
from plugin.model.rules import Prepared, Rule, Unserved
from plugin.model.traffic import LinkRole, Role
from plugin.telemetry import DRIFT
from tests.fakes.rig import Rig
from tests.fakes.values import a_binding, a_network, an_endpoint

BLUE = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
WEB = an_endpoint(BLUE)
STRANGER = LinkRole(link=IfName("x"), role=Role.NETWORK)


@pytest.fixture
def rig() -> Rig:
    """A plugin with one network, and a container with a published port on it."""
    made = Rig()
    made.networks.create(BLUE)
    made.run(BLUE, WEB, a_binding())
    made.faults.arm(None)
    made.health.ready()
    return made


def drift() -> dict[str, float]:
    return {
        sample.labels["kind"]: sample.value
        for metric in DRIFT.collect()
        for sample in metric.samples
        if sample.name == "pynet_drift_total"
    }


class TestQuiet:
    def test_what_is_as_it_should_be_is_not_touched(self, rig: Rig) -> None:
        """Every tick of a healthy host."""
        before = drift()
        rig.healer.heal()

        assert rig.faults.points == []
        assert drift() == before
        assert rig.health.status is Status.OK

    def test_a_command_without_a_plugin_holds_no_ports(self, rig: Rig) -> None:
        """They are the plugin's to hold: the command neither takes them nor reports them."""
        before = drift()
        rig.kernel.ports.clear()
        assemble(rig.backends, rig.health, running=False).healer.heal()

        assert not rig.kernel.ports
        assert drift() == before

    def test_the_firewalls_skeleton_is_made_so(self, rig: Rig) -> None:
        """Whichever program changed it."""
        rig.healer.heal()
        rig.healer.heal()

        assert rig.firewall.prepared == 2


class TestRules:
    """What was put back of the rules that are the same for all networks."""

    RULE = Rule(table="inet pynet", chain="pn_forward")

    def test_they_are_counted(self, rig: Rig) -> None:
        """Each of them."""
        before = drift().get("Rule", 0)
        rig.firewall.found = Prepared(restored=(self.RULE, self.RULE))
        rig.healer.heal()

        assert drift()["Rule"] == before + 2

    def test_at_start_nobody_took_them(self, rig: Rig) -> None:
        """A reboot did."""
        before = drift().get("Rule", 0)
        rig.firewall.found = Prepared(restored=(self.RULE,))
        rig.healer.restore()

        assert drift().get("Rule", 0) == before


class TestUnserved:
    """A family in which pynet has no rule beside Docker's."""

    def test_it_is_said_where_it_matters(self, rig: Rig) -> None:
        """One condition for each family, whatever the reasons."""
        rig.host.filtered = {6}
        rig.firewall.found = Prepared(
            unserved=(
                Unserved(version=4, why="there is no iptables command"),
                Unserved(version=6, why="it fails"),
                Unserved(version=6, why="so does the other"),
            )
        )
        rig.healer.heal()

        (condition,) = rig.health.conditions
        assert condition.what == "ip6tables"
        assert condition.why.startswith("it fails; so does the other. ")

    def test_it_is_over_when_it_is(self, rig: Rig) -> None:
        """Without a restart of anything."""
        rig.host.filtered = {4}
        rig.firewall.found = Prepared(unserved=(Unserved(version=4, why="it fails"),))
        rig.healer.heal()
        rig.firewall.found = Prepared()
        rig.healer.heal()

        assert rig.health.status is Status.OK


class TestDrift:
    def test_a_lost_element_comes_back(self, rig: Rig) -> None:
        """And is counted by its kind."""
        before = drift().get("Published", 0)
        lost = next(each for each in rig.firewall.read() if isinstance(each, Published))
        rig.firewall.remove([lost])
        rig.healer.heal()

        assert rig.held() == rig.wanted()
        assert drift()["Published"] == before + 1

    def test_a_lost_bridge_comes_back_with_its_ports(self, rig: Rig) -> None:
        """Addresses and settings too."""
        rig.host.delete_link(bridge_name(BLUE.id))
        rig.healer.heal()

        assert rig.held() == rig.wanted()

    def test_a_setting_is_set_again(self, rig: Rig) -> None:
        """Some other package switched forwarding off."""
        rig.host.sysctls["net/ipv4/ip_forward"] = "0"
        rig.healer.heal()

        assert rig.host.sysctls["net/ipv4/ip_forward"] == "1"

    def test_what_no_network_wants_is_removed(self, rig: Rig) -> None:
        """Links and elements; foreign ones stay."""
        wanted = rig.held()
        rig.host.add_foreign_link("eth0")
        red = a_network("red", "10.2.0.0/24")
        rig.networks.create(red)
        rig.run(red, an_endpoint(red))
        rig.store.delete_network(red.id)
        rig.healer.heal()

        assert rig.held() == wanted
        assert "eth0" in rig.host.links

    def test_what_is_removed_is_counted(self, rig: Rig) -> None:
        """As what is put back is."""
        before = drift().get("LinkRole", 0)
        rig.firewall.ensure([STRANGER])
        rig.healer.heal()

        assert drift()["LinkRole"] == before + 1
        assert STRANGER not in rig.firewall.read()

    def test_at_start_nothing_is_drift(self, rig: Rig) -> None:
        """A reboot took everything: that is no news."""
        before = drift()
        rig.host.links.clear()
        rig.firewall.remove(list(rig.firewall.read()))
        rig.restarted()

        assert drift() == before


def _reads_of_a_flush(networks: int) -> int:
    """How often a heal reads what another program removed from so many networks."""
    rig = Rig()
    for number in range(networks):
        rig.networks.create(a_network(f"n{number}", f"10.{number}.0.0/24"))
    held = rig.held()
    rig.health.ready()
    rig.firewall.remove(list(rig.firewall.read()))
    before = rig.firewall.reads
    rig.healer.heal()

    assert rig.held() == held
    return rig.firewall.reads - before


def test_a_flush_is_read_as_often_for_many_networks_as_for_two() -> None:
    """Each reading costs the size of all networks."""
    assert _reads_of_a_flush(20) == _reads_of_a_flush(2)


def test_elements_that_a_call_added_meanwhile_are_no_drift(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first reading is older than the call."""
    rig.healer.heal()
    read = rig.firewall.read
    readings = iter([frozenset[Fact]()])
    monkeypatch.setattr(rig.firewall, "read", lambda: next(readings, None) or read())
    before = drift()
    rig.healer.heal()

    assert drift() == before


def test_what_cannot_be_read_is_not_made_anew(rig: Rig) -> None:
    """It may all be there: that it is not known is said."""
    rig.firewall.unreadable = "nftables has not ended another transaction"
    rig.healer.heal()

    assert rig.health.status is Status.DEGRADED
    assert "has not ended" in rig.health.conditions[0].why

    rig.firewall.unreadable = None
    rig.healer.heal()

    assert rig.health.status is Status.OK
