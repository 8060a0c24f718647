"""Plans, and the order in which they are carried out."""

from typing import get_args

from plugin.model.ids import IfName
from plugin.model.links import Hairpin, Vlan
from plugin.model.plan import ORDER, Plan, in_order
from plugin.model.ports import HostPort
from plugin.model.resources import Resource
from plugin.model.traffic import LinkRole, Role
from tests.fakes.values import a_published_port

ONE = LinkRole(link=IfName("a"), role=Role.NETWORK)
TWO = Hairpin(ifname=IfName("a"))


class TestUnion:
    def test_resources_of_both(self) -> None:
        """And what both require."""
        union = Plan(resources=frozenset({ONE}), requires=frozenset({IfName("x")})) | Plan(
            resources=frozenset({ONE, TWO}), requires=frozenset({IfName("y")})
        )

        assert union == Plan(
            resources=frozenset({ONE, TWO}), requires=frozenset({IfName("x"), IfName("y")})
        )

    def test_the_first_link_to_hand_over_is_kept(self) -> None:
        """A plan of ports has none."""
        assert (Plan(handoff=IfName("a")) | Plan()).handoff == "a"
        assert (Plan() | Plan(handoff=IfName("b"))).handoff == "b"


class TestRequires:
    """Links that must be there, made by the plan or by the user."""

    def test_a_link_that_the_plan_makes_is_nobody_elses(self) -> None:
        """It comes back without the user, after a boot for instance."""
        vlan = Vlan(ifname=IfName("eth0.100"), parent=IfName("eth0"), number=100)
        network = Plan(resources=frozenset({vlan}), requires=frozenset({IfName("eth0")}))
        endpoint = Plan(requires=frozenset({IfName("eth0.100")}))

        assert endpoint.links_of_others == {"eth0.100"}
        assert (network | endpoint).links_of_others == {"eth0"}


class TestOrder:
    def test_every_kind_has_its_place(self) -> None:
        """A kind without one could never be made."""
        kinds = {kind for union in get_args(Resource) for kind in get_args(union) or (union,)}

        assert set(ORDER) == kinds
        assert len(ORDER) == len(kinds)

    def test_ports_are_held_before_rules_send_to_them(self) -> None:
        """And links are there before either."""
        port = a_published_port()
        held = HostPort(protocol=port.protocol, address=port.host_ip, port=port.host_port)

        assert in_order({ONE, held, TWO}) == [TWO, held, ONE]
