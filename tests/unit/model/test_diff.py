"""Desired minus actual."""

from plugin.model.diff import Delta, diff
from plugin.model.ids import IfName
from plugin.model.sysctls import Sysctl
from plugin.model.traffic import LinkRole, Role

ON = Sysctl(name="net/ipv4/ip_forward", value="1")
OFF = Sysctl(name="net/ipv4/ip_forward", value="0")
RULE = LinkRole(link=IfName("a"), role=Role.NETWORK)


def test_what_is_as_it_should_be_differs_in_nothing() -> None:
    """And says so when it is asked."""
    delta = diff([ON, RULE], [RULE, ON])

    assert delta == Delta()
    assert not delta


def test_what_is_not_there_is_missing() -> None:
    """As it should be."""
    assert diff([ON, RULE], [RULE]) == Delta(missing=frozenset({ON}))


def test_what_is_otherwise_is_changed() -> None:
    """Told in its desired form, for that is what must be made."""
    assert diff([ON], [OFF]) == Delta(changed=frozenset({ON}))


def test_what_nobody_wants_is_surplus() -> None:
    """Told in its actual form, for that is what must be removed."""
    delta = diff([], [OFF])

    assert delta == Delta(surplus=frozenset({OFF}))
    assert delta
