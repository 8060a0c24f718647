"""Facts as elements of sets and maps, and back: nothing is lost on the way."""

from ipaddress import ip_address

import pytest

from plugin.firewall.elements import SHAPES, Element
from plugin.firewall.fact_table import elements_of, entries_of, facts_of
from plugin.model.facts import Fact, Remnant
from plugin.model.ids import IfName, MacAddress
from plugin.model.speakers import SpeaksAs
from plugin.model.traffic import Barred, BarredPort, LinkRole, Reach, Role
from tests.contract.test_firewall import EVERY_KIND, PORT, Protocol

MEMBERS = (ip_address("10.1.0.2"), ip_address("10.1.0.3"))
HALVES = (
    Reach(source=MEMBERS[0], destination=MEMBERS[1]),
    SpeaksAs(link=IfName("pnv-1"), mac_address=MacAddress("02:00:00:00:00:0a")),
)
STRANGE = (
    Element(set_name="pn_same", match=('"pnb-1"', '"pnb-2"')),
    Element(set_name="pn_subnets4", match=("10.9.0.1-10.9.0.5",)),
    Element(set_name="pn_ports4", match=("*",), data=("10.9.9.9", "22")),
    Element(set_name="pn_bridges", match=("*",)),
    Element(set_name="pn_host_ports4", match=("0.0.0.0", "tcp", "80"), data=("10.1.0.2", "80")),
    Element(set_name="pn_carried", match=("47", "80")),
    Element(set_name="pn_host_carried", match=("::", "tcp", "80")),
)


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: fact.text)
def test_elements_of_a_fact_are_read_as_the_fact(fact: Fact) -> None:
    """Else healing would see drift where there is none, for ever."""
    assert facts_of(elements_of(fact)) == {fact}


@pytest.mark.parametrize("fact", EVERY_KIND, ids=lambda fact: fact.text)
def test_a_fact_is_packed_as_its_elements_are(fact: Fact) -> None:
    """By a way of its own, which is shorter."""
    packed = {name: [*entries] for name, entries in entries_of(fact)}

    assert packed == {
        each.set_name: SHAPES[each.set_name].entries(each) for each in elements_of(fact)
    }


def test_every_set_and_map_stands_for_something() -> None:
    """What nothing can be read from would hold strangers' elements for ever."""
    assert {element.set_name for fact in EVERY_KIND for element in elements_of(fact)} == {*SHAPES}


def test_no_two_facts_have_an_element_in_common() -> None:
    """The removal of one would take from the other."""
    keys = [element.key for fact in EVERY_KIND for element in elements_of(fact)]

    assert len(keys) == len(set(keys))


def test_barred_ports_of_two_networks_do_not_share_elements() -> None:
    """A strict network bars its port twice, and each has a place of its own."""
    one, other = (
        BarredPort(protocol=Protocol.TCP, address=ip_address("::"), port=80, barred=each)
        for each in Barred
    )

    assert not {*elements_of(one)} & {*elements_of(other)}


@pytest.mark.parametrize("fact", HALVES, ids=lambda fact: type(fact).__name__)
def test_half_of_a_fact_stands_in_its_place(fact: Fact) -> None:
    """So healing makes it whole, and a sweep does not take what a network wants."""
    half, _ = elements_of(fact)
    (found,) = facts_of([half])

    assert isinstance(found, Remnant)
    assert found != fact
    assert found.key == fact.key
    assert elements_of(found) == [half]


@pytest.mark.parametrize("element", STRANGE, ids=lambda each: f"{each.set_name} {each.match[0]}")
def test_what_nobody_says_is_a_remnant_that_can_be_removed(element: Element) -> None:
    """People who are told of it find it by these words."""
    (found,) = facts_of([element])

    assert isinstance(found, Remnant)
    assert found.text.startswith(f"{element.set_name} {element.match[0]}")
    assert elements_of(found) == [element]


def test_strange_elements_beside_facts() -> None:
    """Both are told of, once each."""
    facts = {PORT, *HALVES, LinkRole(link=IfName("pnb-1"), role=Role.NETWORK)}
    elements = [element for fact in facts for element in elements_of(fact)]
    found = facts_of([*elements, *STRANGE])

    assert found >= facts
    assert len(found) == len(facts) + len(STRANGE)
