"""The skeleton and the elements, word by word."""

import pytest

from plugin.drivers.bridge.options import OPTIONS
from plugin.firewall import skeleton
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nft import LibraryClient
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel import nf_tables
from tests.golden.cases import CASES
from tests.golden.files import DATA, WRITE_GOLDEN, compare
from tests.kernel.netns import Netns
from tests.kernel.site import MARK

# What these do is not the firewall's business.
ELSEWHERE = {"mtu", "iface_prefix", "routes"}


def test_the_skeleton() -> None:
    """One transaction, the same on every host."""
    compare(DATA / "skeleton.nft", skeleton.script(MARK), WRITE_GOLDEN)


@pytest.mark.parametrize("name", CASES)
def test_elements(name: str) -> None:
    """Of one network, one container and one port."""
    compare(DATA / "elements" / f"{name}.txt", CASES[name].text(), WRITE_GOLDEN)


def test_no_file_is_left_of_a_case_that_is_gone() -> None:
    """It would be read as true."""
    assert {path.stem for path in (DATA / "elements").iterdir()} == set(CASES)


def test_every_option_has_a_case() -> None:
    """A new one belongs there."""
    chosen = {option for case in CASES.values() for option in case.options}

    assert {option.name for option in OPTIONS} - ELSEWHERE <= chosen


@pytest.mark.root
def test_nftables_takes_every_case_and_gives_it_back(netns: Netns) -> None:
    """Each on a host of its own; the words are nft's, not only ours."""
    firewall = NftablesFirewall(LibraryClient(), DockerUser(MARK), MARK, nf_tables)
    firewall.prepare()
    for name, case in CASES.items():
        wanted = case.elements()
        firewall.ensure(sorted(wanted, key=str))
        found = firewall.read()
        firewall.remove(sorted(wanted, key=str))

        assert found == wanted, name
        assert firewall.read() == frozenset(), name
