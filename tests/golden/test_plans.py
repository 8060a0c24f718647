"""Every option of every mode, and the whole of what the host holds for it, word by word.

A change of a plan shows as a change of a file, which a reviewer reads.
"""

import pytest

from plugin.drivers.registry import driver_for, modes
from plugin.firewall import skeleton
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.fact_table import elements_of
from plugin.firewall.nftables import NftablesFirewall
from plugin.kernel.netlink.nf_transactions import NfTables
from tests.golden.case import Case
from tests.golden.cases import CASES, plain_of
from tests.golden.files import DATA, WRITE_GOLDEN, compare
from tests.golden.pairs import axes, paired, unmet
from tests.kernel.netns import Netns
from tests.kernel.site import MARK

PLANS = DATA / "plans"
OPTIONS = "options.txt"
WHOLE = [name for name in CASES if plain_of(name) == name]
WITH_OPTIONS = sorted({CASES[name].mode for name in CASES} - {"null"})
# What other programs have on the host, which no network knows, and what packets leave behind.
ELSEWHERE = {"pn_docker", "pn_outside", "pn_obeyed", "pn_refusals"}


def test_the_skeleton() -> None:
    """One transaction, the same on every host."""
    compare(DATA / "skeleton.nft", skeleton.script(MARK), WRITE_GOLDEN)


@pytest.mark.parametrize("name", CASES)
def test_nobody_is_refused_a_case(name: str) -> None:
    """They are what users make."""
    CASES[name].check()


@pytest.mark.parametrize("name", WHOLE)
def test_the_plan_is_as_it_was_written_down(name: str) -> None:
    """Read the difference: is it what the change was for?"""
    compare(PLANS / f"{name}.txt", CASES[name].page(), WRITE_GOLDEN)


@pytest.mark.parametrize("mode", WITH_OPTIONS)
def test_options_change_what_was_written_down(mode: str) -> None:
    """Of each case what is not as in the plain one: a change of that is read in one place."""
    text = "".join(
        f"== {name}, beside {plain_of(name)}\n{case.beside(CASES[plain_of(name)])}\n"
        for name, case in CASES.items()
        if case.mode == mode and name not in WHOLE
    )

    compare(PLANS / mode / OPTIONS, text, WRITE_GOLDEN)


def test_no_page_is_left_of_a_case_that_is_gone() -> None:
    """It would be read as true."""
    found = {str(path.relative_to(PLANS)) for path in PLANS.rglob("*.txt")}

    assert found == {
        *(f"{name}.txt" for name in WHOLE),
        *(f"{mode}/{OPTIONS}" for mode in WITH_OPTIONS),
    }


@pytest.mark.parametrize("mode", modes())
def test_every_option_has_a_case(mode: str) -> None:
    """Of networks and of containers; a new one belongs there."""
    cases = [case for case in CASES.values() if case.mode == mode]
    driver = driver_for(mode)

    assert {option.name for option in driver.options} <= {o for case in cases for o in case.options}
    assert {option.name for option in driver.endpoint_options} <= {
        option for case in cases for option in case.container
    }


def test_every_set_and_map_has_an_element_in_some_case() -> None:
    """But those that are filled by what others have on the host."""
    filled = {
        each.set_name
        for case in CASES.values()
        for fact in case.facts()
        for each in elements_of(fact)
    }

    known = {
        name
        for tables in (skeleton.SETS, skeleton.MAPS)
        for names in tables.values()
        for name in names
    }

    assert known - filled == ELSEWHERE


def test_every_two_values_meet() -> None:
    """In one of the paired cases, unless they are refused together."""
    assert unmet() == []


@pytest.mark.parametrize("mode", modes())
def test_every_option_is_paired(mode: str) -> None:
    """Of networks and of containers."""
    driver = driver_for(mode)

    assert {option.name for option in driver.options} <= axes(mode)
    assert {f"+{option.name}" for option in driver.endpoint_options} <= axes(mode)


@pytest.mark.root
@pytest.mark.parametrize("kind", ["named", "paired"])
def test_nftables_takes_every_case_and_gives_it_back(netns: Netns, kind: str) -> None:
    """Each on a host of its own: the kernel lists the elements as pynet wrote them."""
    firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
    firewall.prepare()
    cases: dict[str, Case] = CASES if kind == "named" else paired()
    for name, case in cases.items():
        wanted = case.facts()
        firewall.ensure(sorted(wanted, key=str))
        found = firewall.read()
        firewall.remove(sorted(wanted, key=str))

        assert found == wanted, name
        assert firewall.read() == frozenset(), name
