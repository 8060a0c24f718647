"""What people see of a cluster, and how they name the host that is to be forgotten."""

from typing import Final

import pytest

from ipam.blocks.admission import admit, describe
from ipam.blocks.base import NotAdmittedError
from ipam.blocks.membership import Agreed, join
from ipam.blocks.ownership import Blocks
from ipam.prefixes import parse_prefix
from plugin.errors import RefusedError
from plugin.operator.cluster import SharedPools
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState

POOL: Final = parse_prefix("10.50.0.0/16")
ONE: Final = "0f" * 16
TWO: Final = "0e" * 16


@pytest.fixture
def state() -> RegistryState:
    """Two hosts share a subnet; the second has not said its name yet."""
    state = RegistryState()
    for host, blocks in ((ONE, 2), (TWO, 1)):
        registry, ledger = FakeRegistry(state, host, lambda: Fate.DONE), FakeLedger()
        identity = admit(registry, ledger, host=host, boot="boot1", instance=f"of-{host}")
        join(registry, identity, POOL, Agreed(cluster="lan", exclusions="10.50.0.9"))
        for _ in range(blocks):
            Blocks(registry, ledger, identity).claim(POOL)
        if host == ONE:
            describe(registry, identity, "web3 0.1.0")
    return state


@pytest.fixture
def shared(state: RegistryState) -> SharedPools:
    """As the first host shows it."""
    return SharedPools(lambda: FakeRegistry(state, "operator", lambda: Fate.DONE), ONE)


def test_hosts_and_networks(state: RegistryState, shared: SharedPools) -> None:
    """Who is there, who is silent, and what each has."""
    state.lapse(lambda holder: holder == TWO)

    assert shared.view() == {
        "hosts": [
            {"id": TWO, "name": TWO[:12], "own": False, "running": False, "blocks": {str(POOL): 1}},
            {"id": ONE, "name": "web3", "own": True, "running": True, "blocks": {str(POOL): 2}},
        ],
        "networks": [
            {
                "subnet": str(POOL),
                "cluster": "lan",
                "exclude": "10.50.0.9",
                "gateway": "",
                "hosts": [TWO[:12], "web3"],
            }
        ],
    }


@pytest.mark.parametrize("named", [TWO, TWO[:12], "0e"])
def test_a_host_that_is_gone_is_forgotten(
    state: RegistryState, shared: SharedPools, named: str
) -> None:
    """Its blocks are free; those of other hosts stay."""
    state.lapse(lambda holder: holder == TWO)

    assert shared.forget(named) == {"id": TWO, "name": TWO[:12], "blocks": 1}
    assert [each["id"] for each in shared.view()["hosts"]] == [ONE]
    assert shared.view()["networks"][0]["hosts"] == ["web3"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("web4", r"'web4', which is none of the cluster's; give the id of one: .*web3 \(0f0f"),
        ("0", "which is several of the cluster's"),
        ("", "which is none of the cluster's"),
    ],
)
def test_who_is_not_one_host_is_refused(shared: SharedPools, named: str, said: str) -> None:
    """With those there are."""
    with pytest.raises(RefusedError, match=said):
        shared.forget(named)


def test_a_host_that_runs_is_not_forgotten(shared: SharedPools) -> None:
    """By its name neither."""
    with pytest.raises(NotAdmittedError, match="stop pynet there"):
        shared.forget("web3")
