"""Removing takes what was asked for, and nothing else."""

from collections.abc import Callable

import pytest

from plugin.errors import FirewallError
from plugin.firewall.base import Firewall
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nft import CommandClient, LibraryClient
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel import nf_tables
from tests.contract.test_firewall import CLIENTS, EVERY_KIND, MARK, PORT, SAME_PORT
from tests.fakes.firewall import MemoryFirewall
from tests.kernel.netns import Netns


@pytest.fixture(params=["memory", *CLIENTS])
def firewall(request: pytest.FixtureRequest) -> Firewall:
    made: Firewall = MemoryFirewall()
    if request.param in CLIENTS:
        request.getfixturevalue("netns")
        made = NftablesFirewall(CLIENTS[request.param](), DockerUser(MARK), MARK, nf_tables)
    made.prepare()
    return made


def test_an_entry_with_other_data_stays(firewall: Firewall) -> None:
    """The port is published for another container by now."""
    firewall.ensure([SAME_PORT])
    firewall.remove([PORT])

    assert firewall.read() == {SAME_PORT}


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
def test_removing_is_no_failure(
    client: Callable[[], LibraryClient | CommandClient], netns: Netns
) -> None:
    """What is wanted is so already."""
    flushed = NftablesFirewall(client(), DockerUser(MARK), MARK, nf_tables)
    flushed.prepare()
    flushed.ensure(EVERY_KIND)
    netns.run("nft", "flush", "ruleset")
    flushed.remove(EVERY_KIND)

    assert flushed.read() == frozenset()


class _Refusing(LibraryClient):
    """Shows everything and changes nothing, as soon as it is told so."""

    refuses = False

    def run(self, commands: str) -> None:
        if self.refuses:
            raise FirewallError("out of memory")
        super().run(commands)


def test_what_stays_is_said(netns: Netns) -> None:
    """Whoever takes the failure for success would forget a port that is open."""
    client = _Refusing()
    firewall = NftablesFirewall(client, DockerUser(MARK), MARK, nf_tables)
    firewall.prepare()
    firewall.ensure([PORT])
    client.refuses = True
    with pytest.raises(FirewallError, match="out of memory"):
        firewall.remove([PORT])

    assert firewall.read() == {PORT}
