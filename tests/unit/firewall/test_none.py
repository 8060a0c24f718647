"""In the place of a firewall that could not be had."""

import pytest

from plugin.errors import FirewallError
from plugin.firewall.none import NoFirewall
from plugin.model.ids import IfName
from plugin.model.traffic import LinkRole, Role

RULE = LinkRole(link=IfName("pnb-1"), role=Role.NETWORK)


@pytest.fixture
def firewall() -> NoFirewall:
    return NoFirewall("nft is not installed")


def test_rules_are_refused_with_a_remedy(firewall: NoFirewall) -> None:
    """Networks without them would be open."""
    for refused in (firewall.check, lambda: firewall.ensure([RULE])):
        with pytest.raises(FirewallError, match=r"nft is not installed, .* host_access need none"):
            refused()


def test_what_needs_none_goes_on(firewall: NoFirewall) -> None:
    """And so does removal: nothing is lost but a rule, which the next start sweeps."""
    firewall.prepare()
    firewall.ensure([])
    firewall.remove([RULE])

    assert firewall.read() == frozenset()
