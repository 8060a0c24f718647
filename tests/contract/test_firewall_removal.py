"""Removing takes what was asked for, and nothing else."""

from collections.abc import Iterable, Sequence

import pytest

from plugin.errors import FirewallError, KernelError
from plugin.firewall.base import Firewall
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.model.rules import SetChange, SetEntry
from tests.contract.test_firewall import EVERY_KIND, MARK, PORT, SAME_PORT
from tests.fakes.firewall import MemoryFirewall
from tests.kernel.netns import Netns


@pytest.fixture(params=["memory", "nftables"])
def firewall(request: pytest.FixtureRequest) -> Firewall:
    made: Firewall = MemoryFirewall()
    if request.param == "nftables":
        request.getfixturevalue("netns")
        made = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    made.prepare()
    return made


def test_an_entry_with_other_data_stays(firewall: Firewall) -> None:
    """The port is published for another container by now."""
    firewall.ensure([SAME_PORT])
    firewall.remove([PORT])

    assert firewall.read() == {SAME_PORT}


def test_removing_is_no_failure(netns: Netns) -> None:
    """What is wanted is so already."""
    flushed = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    flushed.prepare()
    flushed.ensure(EVERY_KIND)
    netns.run("nft", "flush", "ruleset")
    flushed.remove(EVERY_KIND)

    assert flushed.read() == frozenset()


class _Refusing(NfTables):
    """Changes nothing as soon as it is told so, and does not even show what there is."""

    refuses = False
    is_blind = False

    def change(self, table: str, changes: Sequence[SetChange]) -> None:
        if self.refuses:
            raise KernelError("out of memory")
        super().change(table, changes)

    def entries(
        self, family: str, table: str, names: Iterable[str]
    ) -> dict[str, tuple[SetEntry, ...]]:
        if self.is_blind:
            raise KernelError("it changed each time while it was read")
        return super().entries(family, table, names)


def test_what_stays_is_said(netns: Netns) -> None:
    """A caller that took the failure for success would forget a port that is open."""
    ruleset = _Refusing()
    firewall = NftablesFirewall(DockerUser(MARK), MARK, ruleset)
    firewall.prepare()
    firewall.ensure([PORT])
    ruleset.refuses = True
    with pytest.raises(FirewallError, match="out of memory"):
        firewall.remove([PORT])

    assert firewall.read() == {PORT}


def test_what_cannot_be_read_is_not_nothing(netns: Netns) -> None:
    """An element that is not seen stays, and the caller must know."""
    ruleset = _Refusing()
    firewall = NftablesFirewall(DockerUser(MARK), MARK, ruleset)
    firewall.prepare()
    firewall.ensure([PORT])
    ruleset.refuses = ruleset.is_blind = True
    with pytest.raises(FirewallError, match="it changed"):
        firewall.remove([PORT])
    with pytest.raises(FirewallError, match="it changed"):
        firewall.read()
