"""What the users of a pool agree on, in one transaction with the number of their network."""

from typing import Final

import pytest

from ipam.blocks.base import Identity, NotAdmittedError
from ipam.blocks.keys import LAYOUT, place_key, pool_key
from ipam.blocks.membership import Agreed, PoolDiffersError, join, leave, read_agreed
from ipam.blocks.terms import agree_on_terms, move
from ipam.errors import InvalidOptionError, RefusedError
from ipam.prefixes import Prefix, parse_prefix
from tests.fakes.registry import Fate
from tests.unit.ipam.test_membership import Cluster

FOUR: Final = parse_prefix("10.50.0.0/16")
SIX: Final = parse_prefix("fd00::/64")
OTHER: Final = parse_prefix("10.60.0.0/16")
TERMS: Final = {"mode": "overlay", "mtu": "default"}


@pytest.fixture
def cluster() -> Cluster:
    """A registry with nothing in it."""
    return Cluster()


def _member(cluster: Cluster, name: str, *pools: Prefix) -> Identity:
    host = cluster.host(name)
    for pool in pools:
        join(cluster.registry, host, pool, Agreed(cluster="lan"))
    return host


def _agree(
    cluster: Cluster,
    host: Identity,
    *pools: Prefix,
    vni: int | None = None,
    terms: dict[str, str] = TERMS,
) -> int:
    return agree_on_terms(
        cluster.registry, host, pools, terms, vni=vni, place=f"10.99.0.{len(host.host)}"
    )


def test_hosts_agree(cluster: Cluster) -> None:
    """On one number, and each says where it is reached; until it leaves."""
    one, three = (_member(cluster, name, FOUR, SIX) for name in ("1", "333"))
    number = _agree(cluster, one, FOUR, SIX)

    assert _agree(cluster, three, FOUR, SIX) == _agree(cluster, one, FOUR, SIX) == number
    assert {read_agreed(cluster.state.keys[pool_key(each)]).vni for each in (FOUR, SIX)} == {number}
    assert cluster.state.keys[place_key(FOUR, "1")] == "10.99.0.1"
    assert cluster.state.keys[place_key(FOUR, "333")] == "10.99.0.3"
    leave(cluster.registry, "1", FOUR)
    assert place_key(FOUR, "1") not in cluster.state.keys
    assert place_key(FOUR, "333") in cluster.state.keys


def test_a_chosen_number(cluster: Cluster) -> None:
    """Is every host's then, also of one that chooses none."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))

    assert _agree(cluster, one, FOUR, vni=77) == 77
    assert _agree(cluster, two, FOUR) == 77
    assert _agree(cluster, two, FOUR, vni=77) == 77


@pytest.mark.parametrize(
    ("vni", "terms", "said"),
    [
        (78, TERMS, "vni of 10.50.0.0/16 is '77' in the cluster and '78' here"),
        (None, {**TERMS, "mtu": "1400"}, "mtu of 10.50.0.0/16 is 'default' in the .* and '1400'"),
        (
            None,
            {"mode": "overlay"},
            "mtu of 10.50.0.0/16 is 'default' in the cluster and not set here",
        ),
    ],
)
def test_other_terms_are_refused(
    cluster: Cluster, vni: int | None, terms: dict[str, str], said: str
) -> None:
    """With both values, and nothing has changed."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))
    _agree(cluster, one, FOUR, vni=77)
    before = dict(cluster.state.keys)

    with pytest.raises(PoolDiffersError, match=said):
        _agree(cluster, two, FOUR, vni=vni, terms=terms)
    assert cluster.state.keys == before


def test_the_only_host_changes_the_terms(cluster: Cluster) -> None:
    """It had the network before, and made it anew in another way; a second host agrees to that."""
    one = _member(cluster, "one", FOUR)
    _agree(cluster, one, FOUR, vni=77)

    assert _agree(cluster, one, FOUR, vni=78, terms={"mode": "macvlan or ipvlan"}) == 78
    two = _member(cluster, "two", FOUR)
    with pytest.raises(
        PoolDiffersError, match=r"mode of .* is 'macvlan or ipvlan' in .* 'overlay'"
    ):
        _agree(cluster, two, FOUR)
    assert _agree(cluster, two, FOUR, terms={"mode": "macvlan or ipvlan"}) == 78


@pytest.mark.parametrize("value", ["10.0.0.0/8 via 10.1.0.2; 10.2.0.0/16", "a&b=c %25 d"])
def test_any_text(cluster: Cluster, value: str) -> None:
    """A record has one line of words; hosts agree on any."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))
    for host in (one, two):
        _agree(cluster, host, FOUR, terms={"routes": value})

    with pytest.raises(PoolDiffersError) as refused:
        _agree(cluster, two, FOUR, terms={"routes": "other"})
    assert f"{value!r} in the cluster and 'other' here" in str(refused.value)


ODD: Final = "\x1b[2J" + "x" * 1_000_000


@pytest.mark.parametrize("terms", [{"mode": ODD}, {**TERMS, ODD: "1"}])
def test_what_another_host_wrote(cluster: Cluster, terms: dict[str, str]) -> None:
    """Is shown without what controls a terminal, and not at any length."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))
    _agree(cluster, one, FOUR, terms=terms)

    with pytest.raises(PoolDiffersError) as refused:
        _agree(cluster, two, FOUR)
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 500


def test_a_host_that_moves(cluster: Cluster) -> None:
    """Is reached elsewhere; one that has left is reached nowhere."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))
    for host in (one, two):
        _agree(cluster, host, FOUR)
    leave(cluster.registry, "two", FOUR)
    for host in (one, two):
        move(cluster.registry, host, FOUR, "10.99.0.7 key")

    assert cluster.state.keys[place_key(FOUR, "one")] == "10.99.0.7 key"
    assert place_key(FOUR, "two") not in cluster.state.keys


def test_a_network_without_a_place(cluster: Cluster) -> None:
    """Hosts that are not reached by it are no peers."""
    one = _member(cluster, "one", FOUR)
    agree_on_terms(cluster.registry, one, [FOUR], {"mode": "bridge"}, vni=None, place=None)

    assert not [key for key in cluster.state.keys if key.startswith("places/")]


def test_a_number_of_another_network(cluster: Cluster) -> None:
    """Two networks would hear each other's frames."""
    one = _member(cluster, "one", FOUR, OTHER)
    number = read_agreed(cluster.state.keys[pool_key(OTHER)]).vni

    with pytest.raises(InvalidOptionError, match="is another network's"):
        _agree(cluster, one, FOUR, vni=number)


def test_two_choose_the_same_at_the_same_moment(cluster: Cluster) -> None:
    """The second finds that the layout has changed, and looks again."""
    one = _member(cluster, "one", FOUR, OTHER)
    before = cluster.state.keys[LAYOUT]
    _agree(cluster, one, FOUR, vni=77)

    assert cluster.state.keys[LAYOUT] != before
    with pytest.raises(InvalidOptionError):
        _agree(cluster, one, OTHER, vni=77)


def test_who_has_left_agrees_on_nothing(cluster: Cluster) -> None:
    """Nor does a host that was forgotten: others would send to it for ever."""
    one, two = (_member(cluster, name, FOUR) for name in ("one", "two"))
    leave(cluster.registry, "one", FOUR)
    with pytest.raises(RefusedError):
        _agree(cluster, one, FOUR)
    del cluster.state.keys["hosts/two"]
    with pytest.raises(NotAdmittedError):
        _agree(cluster, two, FOUR)
    leave(cluster.registry, "two", FOUR)
    with pytest.raises(PoolDiffersError, match="no longer the cluster's"):
        _agree(cluster, two, FOUR)

    assert not [key for key in cluster.state.keys if key.startswith("places/")]


def test_a_lost_answer(cluster: Cluster) -> None:
    """The record that was written is recognized."""
    one = _member(cluster, "one", FOUR)
    cluster.fates = [Fate.DONE, Fate.DONE, Fate.DONE_UNHEARD]

    number = _agree(cluster, one, FOUR)
    assert read_agreed(cluster.state.keys[pool_key(FOUR)]).vni == number
