"""Where the blocks of a pool lie."""

from itertools import islice

import pytest

from ipam.blocks.layout import in_order
from ipam.prefixes import parse_prefix, parse_range

SMALL = parse_prefix("10.51.0.0/28")  # blocks of four


def _starts(host: str, *without: str) -> list[str]:
    blocks = in_order(SMALL, host, [parse_range(each) for each in without])
    return [str(each.network_address).rpartition(".")[2] for each in blocks]


@pytest.mark.parametrize("host", ["one", "two", "three", "four", "five"])
def test_each_block_once(host: str) -> None:
    """From any one on; those that are excluded whole are none."""
    assert sorted(_starts(host)) == ["0", "12", "4", "8"]
    assert sorted(_starts(host, "10.51.0.0-10.51.0.7")) == ["12", "8"]
    assert sorted(_starts(host, "10.51.0.3-10.51.0.14")) == ["0", "12"]
    assert sorted(_starts(host, "10.51.0.12-10.51.0.15", "10.51.0.4")) == ["0", "4", "8"]
    assert _starts(host, "10.51.0.0-10.51.0.15") == []


@pytest.mark.parametrize("host", ["one", "two", "three", "four", "five"])
def test_a_range_without_end(host: str) -> None:
    """Most of 2^48 blocks are passed over at once."""
    pool = parse_prefix("fd00::/64")
    without = [parse_range("fd00::-fd00::ffff:fffe:ffff:ffff")]
    blocks = list(islice(in_order(pool, host, without), 2))

    assert len(blocks) == 2
    assert all(int(each.network_address) > int(without[0].last) for each in blocks)
