"""The host holds what a plan says, and nothing of a plan that failed."""

from ipaddress import ip_address

import pytest

from plugin.drivers.registry import bind
from plugin.errors import FirewallError, ForeignLinkError, KernelError, MissingLinkError
from plugin.model.diff import Delta
from plugin.model.facts import Fact
from plugin.model.ids import IfName, bridge_name
from plugin.model.network import Protocol
from plugin.model.plan import Plan
from plugin.model.ports import HostPort
from plugin.model.resources import Resource
from plugin.model.sysctls import RouteLocalnet, Sysctl
from plugin.model.traffic import LinkRole, Role
from plugin.service.reconcile import Reconciler
from tests.fakes.faults import Faults
from tests.fakes.firewall import FaultyFirewall
from tests.fakes.rig import Rig
from tests.fakes.values import a_network

BLUE = a_network("blue", "10.1.0.0/24")
PLAN = bind(BLUE).network_plan()
HOST = frozenset(each for each in PLAN.resources if not isinstance(each, Fact))
PORT = HostPort(protocol=Protocol.TCP, address=ip_address("0.0.0.0"), port=80)
RULE = LinkRole(link=IfName("x"), role=Role.NETWORK)


def _refuse(resources: object) -> None:
    raise KernelError("everything stays")


def _is_rule(resource: Resource) -> bool:
    return isinstance(resource, Fact)


FORWARDING = {
    4: Sysctl(name="net/ipv4/ip_forward", value="1"),
    6: Sysctl(name="net/ipv6/conf/all/forwarding", value="1"),
}


class TestForwarding:
    @pytest.mark.parametrize("version", FORWARDING)
    def test_it_is_switched_on_when_nobody_elses_is_let_through(
        self, rig: Rig, version: int
    ) -> None:
        """Once: the next time it is on, whichever program did it."""
        plan = Plan(resources=frozenset({FORWARDING[version]}))
        rig.reconciler.apply(plan)
        rig.reconciler.apply(plan)
        rig.reconciler.repair(plan.resources)

        assert rig.firewall.closed == [version]

    def test_it_stays_off_where_they_would_be(self, rig: Rig) -> None:
        """The call fails, and a tick leaves it alone."""
        plan = Plan(resources=frozenset({FORWARDING[6]}))
        rig.faults.arm(0)
        with pytest.raises(FirewallError, match="iptables refused"):
            rig.reconciler.apply(plan)
        rig.faults.arm(0)
        with pytest.raises(ExceptionGroup, match="not everything"):
            rig.reconciler.repair(plan.resources)

        assert FORWARDING[6] not in rig.kernel.read([FORWARDING[6]])


class TestApply:
    def test_a_missing_link_is_refused_before_anything_is_made(self, rig: Rig) -> None:
        """With its name."""
        plan = PLAN | Plan(requires=frozenset({IfName("eth7"), IfName("eth8")}))
        rig.host.add_foreign_link("eth8")
        with pytest.raises(MissingLinkError, match="there is no link eth7 on this host; plug it"):
            rig.reconciler.apply(plan)

        assert rig.held() == frozenset()

    def test_nothing_is_begun_where_there_can_be_no_rules(self, rig: Rig) -> None:
        """The host's loopback would be open to containers; what needs no rules is made."""
        rig.firewall.absent = "nft is not there"
        with pytest.raises(FirewallError, match="nft is not there"):
            rig.reconciler.apply(PLAN)

        assert rig.held() == frozenset()
        rig.reconciler.apply(Plan(resources=frozenset({PORT})))
        assert rig.kernel.ports == {PORT}

    def test_a_network_of_before_opens_nothing_where_there_can_be_no_rules(self, rig: Rig) -> None:
        """After a reboot: its bridge is there, and the settings that rules make safe are not."""
        rig.firewall.absent = "nft is not there"
        bridge = bridge_name(BLUE.id)
        plan = PLAN.resources | {RouteLocalnet(ifname=bridge)}
        rig.reconciler.repair({each for each in plan if not _is_rule(each)})

        assert not rig.host.links[bridge].localnet
        assert f"net/ipv6/conf/{bridge}/disable_ipv6" not in rig.host.sysctls

    def test_what_was_refused_is_not_undone(self, rig: Rig) -> None:
        """The bridge is another program's."""
        rig.host.add_foreign_link(bridge_name(BLUE.id))
        with pytest.raises(ForeignLinkError):
            rig.reconciler.apply(PLAN)

        assert bridge_name(BLUE.id) in rig.host.links

    def test_an_undoing_that_fails_hides_nothing(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The first failure is what is told; the log has the rest."""
        reconciler = Reconciler(rig.kernel, FaultyFirewall(Faults(at=0)))
        rig.kernel.remove = _refuse  # type: ignore[method-assign]
        with pytest.raises(FirewallError, match="nft refused"):
            reconciler.apply(PLAN)

        assert "plan.not_undone reasons='everything stays'" in caplog.text

    def test_links_come_first_and_rules_last(self, rig: Rig) -> None:
        """Whatever order a set has."""
        rig.reconciler.apply(PLAN)

        assert rig.faults.points[0] == "before Bridge"
        assert rig.faults.points[-1] == "ensure elements"


class TestRemove:
    def test_rules_go_first_and_links_last(self, rig: Rig) -> None:
        """Nothing is sent to what is not there any more."""
        rig.reconciler.apply(PLAN)
        rig.faults.arm(None)
        rig.reconciler.remove(PLAN)

        assert rig.faults.points[0] == "remove elements"
        assert rig.faults.points[-1] == "remove Bridge"

    def test_it_goes_on_after_a_failure_and_tells_all(self, rig: Rig) -> None:
        """What could be removed is."""
        rig.reconciler.apply(PLAN)
        rig.faults.arm(0)
        with pytest.raises(ExceptionGroup) as failure:
            rig.reconciler.remove(PLAN)

        assert [str(each) for each in failure.value.exceptions] == ["nft refused"]
        assert rig.host.ours == frozenset()


class TestRepair:
    def test_one_failure_does_not_keep_the_rest_from_being_tried(self, rig: Rig) -> None:
        """And nothing is undone."""
        rig.host.listeners.add(PORT)
        with pytest.raises(ExceptionGroup) as failure:
            rig.reconciler.repair([PORT, RULE, *PLAN.resources])

        assert len(failure.value.exceptions) == 1
        assert RULE in rig.firewall.read()
        assert rig.held() == {*PLAN.resources, RULE} & rig.held()
        assert {type(each).__name__ for each in rig.held()} == {
            "Bridge",
            "Address",
            "LinkRole",
            "Subnet",
            "Masquerade",
        }


class TestCompare:
    def test_a_host_that_holds_the_plan(self, rig: Rig) -> None:
        """Nothing is to be done."""
        rig.reconciler.apply(PLAN)

        assert rig.reconciler.compare(HOST) == Delta()

    def test_a_host_that_holds_nothing(self, rig: Rig) -> None:
        """All of it is missing, but for the settings that have another value."""
        delta = rig.reconciler.compare(HOST)

        assert delta.missing | delta.changed == HOST
        assert not delta.surplus
