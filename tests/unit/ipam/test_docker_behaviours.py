"""What users know from Docker's own IPAM, and where pynet differs on purpose.

The cases are those that moby's default IPAM is tested for (libnetwork, ipams/defaultipam),
told as requests and answers.  A row is a pool and the words said to it in order: ``+`` asks
for any address, ``+ADDRESS`` for that one, ``gw`` for the gateway, ``-ADDRESS`` gives one back.
"""

import pytest

from ipam.errors import IpamError
from ipam.lease import Kind
from ipam.pool import PoolRequest
from ipam.prefixes import parse_prefix
from tests.unit.ipam.conftest import World

SAME = [
    pytest.param(
        "10.0.0.0/24", None, "gw + +", "10.0.0.1 10.0.0.2 10.0.0.3", id="in order from the first"
    ),
    pytest.param(
        "192.168.100.0/24",
        None,
        "+192.168.100.250 +192.168.100.250",
        "192.168.100.250 already in use",
        id="the same address twice",
    ),
    pytest.param(
        "172.25.0.0/16",
        "172.25.252.0/24",
        "+ +172.25.1.1 +",
        "172.25.252.0 172.25.1.1 172.25.252.1",
        id="an address outside the ip-range may be named",
    ),
    pytest.param(
        "172.18.0.0/16", "172.18.0.0/16", "+", "172.18.0.1", id="an ip-range of the whole pool"
    ),
    pytest.param(
        "10.0.0.0/30", None, "+ + +", "10.0.0.1 10.0.0.2 no available addresses", id="a full pool"
    ),
    pytest.param(
        "10.0.0.0/31",
        None,
        "+ + +",
        "10.0.0.0 10.0.0.1 no available addresses",
        id="point to point",
    ),
    pytest.param("10.0.0.7/32", None, "gw +", "10.0.0.7 no available addresses", id="one host"),
    pytest.param(
        "10.0.0.0/24", None, "+10.0.0.0", "requested address is out of range", id="the network"
    ),
    pytest.param(
        "10.0.0.0/24", None, "+10.0.0.255", "requested address is out of range", id="the broadcast"
    ),
    pytest.param(
        "10.0.0.0/24", None, "+10.0.1.1", "requested address is out of range", id="another subnet's"
    ),
    pytest.param(
        "2001:db8:1::/64", None, "gw +", "2001:db8:1::1 2001:db8:1::2", id="v6 without its first"
    ),
    pytest.param(
        "2001:db8:1::/126",
        None,
        "+2001:db8:1::3",
        "2001:db8:1::3",
        id="v6 has no broadcast address",
    ),
    pytest.param(
        "10.0.0.0/24", None, "+ -10.0.0.1 -10.0.0.1", "10.0.0.1 - -", id="giving back twice"
    ),
    pytest.param(
        "10.0.0.0/24",
        None,
        "+ -10.0.0.1 +10.0.0.1",
        "10.0.0.1 - 10.0.0.1",
        id="a freed address may be named at once",
    ),
]
OTHERWISE = [
    pytest.param(
        "10.0.0.0/24",
        None,
        "+ -10.0.0.1 +",
        "10.0.0.1 - 10.0.0.2",
        id="a freed address rests (Docker gives it to the next)",
    ),
    pytest.param(
        "10.0.0.0/16",
        "10.0.5.0/24",
        "gw +",
        "10.0.0.1 10.0.5.0",
        id="the gateway is not taken from the ip-range (Docker: 10.0.5.0)",
    ),
    pytest.param(
        "10.0.0.0/24",
        None,
        "gw +10.0.0.1",
        "10.0.0.1 already in use",
        id="a container cannot have the gateway's address",
    ),
]


def say(world: World, prefix: str, subpool: str | None, words: str) -> str:
    pool = world.allocator.request_pool(
        PoolRequest(prefix=parse_prefix(prefix), subpool=parse_prefix(subpool) if subpool else None)
    )
    answers = []
    for word in words.split():
        address = word[1:] or None
        try:
            if word == "gw":
                answers.append(world.take(pool, kind=Kind.GATEWAY))
            elif word.startswith("+"):
                answers.append(world.take(pool, address))
            else:
                world.give(pool, word[1:])
                answers.append("-")
        except IpamError as error:
            answers.append(str(error).partition(":")[0].removeprefix("Address "))
    return " ".join(answers).removesuffix(" on this pool")


@pytest.mark.parametrize(("prefix", "subpool", "words", "answers"), [*SAME, *OTHERWISE])
def test_requests_are_answered(
    world: World, prefix: str, subpool: str | None, words: str, answers: str
) -> None:
    """In the words of the table."""
    assert say(world, prefix, subpool, words) == answers
