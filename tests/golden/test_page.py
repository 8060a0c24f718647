"""docs/firewall.md says what the kernel does."""

import pytest

from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.firewall.skeleton import FAMILIES
from plugin.kernel.netlink.nf_transactions import NfTables
from tests.golden.files import ROOT, WRITE_DOCS, compare
from tests.golden.page import Page, stem_of
from tests.golden.words import CHAINS, CONTAINERS
from tests.kernel.netns import Netns
from tests.kernel.site import MARK
from tests.lab.demo_made import meaning

pytestmark = pytest.mark.root


@pytest.fixture
def page(netns: Netns) -> Page:
    """A host with Docker's chains and our tables."""
    for rule in ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER"):
        netns.run("iptables", *rule.split())
    NftablesFirewall(DockerUser(MARK), MARK, NfTables()).prepare()
    return Page(netns)


def test_the_page_is_what_the_kernel_has(page: Page) -> None:
    """Every set, map, chain and rule."""
    compare(ROOT / "docs" / "firewall.md", page.render(), WRITE_DOCS)


def test_there_are_words_for_everything_and_for_nothing_else(page: Page) -> None:
    """A new set without an explanation, or one that is gone, stops here."""
    containers = {stem_of(n) for family in FAMILIES for n in page.names(family, "set", "map")}
    chains = {name for family in FAMILIES for name in page.names(family, "chain")}

    assert containers == set(CONTAINERS)
    assert chains == set(CHAINS)


def test_the_demo_has_words_for_every_set(page: Page) -> None:
    """`make demo` shows what is in each, and says what that is for."""
    names = [name for family in FAMILIES for name in page.names(family, "set", "map")]
    lines = [f'nft set {name}: "pnx-1"' for name in names]

    assert [line for line in lines if not meaning(line)] == []
