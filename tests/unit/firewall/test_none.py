"""In the place of a firewall that could not be had."""

import pytest

from plugin.errors import FirewallError
from plugin.firewall.none import NoFirewall
from plugin.model.rules import Element

ELEMENT = Element(container="pn_bridges", match=('"pnb-1"',))


@pytest.fixture
def firewall() -> NoFirewall:
    return NoFirewall("nft is not installed")


def test_rules_are_refused_with_a_remedy(firewall: NoFirewall) -> None:
    """Networks without them would be open."""
    for refused in (firewall.check, lambda: firewall.ensure([ELEMENT])):
        with pytest.raises(FirewallError, match=r"nft is not installed, .* host_access need none"):
            refused()


def test_what_needs_none_goes_on(firewall: NoFirewall) -> None:
    """And so does removal: nothing is lost but an element, which the next start sweeps."""
    firewall.prepare()
    firewall.ensure([])
    firewall.remove([ELEMENT])

    assert firewall.read() == frozenset()
