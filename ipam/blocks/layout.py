"""Where the blocks of a pool lie, and whose they are by their values."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from ipaddress import ip_network
from typing import Final

from ipam.prefixes import Address, AddressRange, Prefix

V4_BLOCK: Final = 64  # addresses
V6_BLOCK: Final = 1 << 16
KEPT_BLOCK: Final = (
    "- -"  # in the place of a host and its instance: addresses are claimed one by one
)
_FEWEST: Final = 4  # blocks of a small pool, so that as many hosts have one


def is_kept(value: str | None) -> bool:
    """Whether the value of a block's key says that addresses of it are kept, and no host has it."""
    return value is not None and value.rpartition(" ")[0] == KEPT_BLOCK


def block_around(pool: Prefix, address: Address) -> Prefix:
    """The block that contains an address of the pool."""
    length = block_length(pool)
    bits = pool.max_prefixlen - length
    return ip_network((int(address) >> bits << bits, length))


def block_length(pool: Prefix) -> int:
    """How long the prefixes of the pool's blocks are: /26 and /112, longer in a small pool."""
    size = V4_BLOCK if pool.version == 4 else V6_BLOCK
    usual = pool.max_prefixlen - size.bit_length() + 1
    return min(pool.max_prefixlen, max(usual, pool.prefixlen + _FEWEST.bit_length() - 1))


def in_order(pool: Prefix, host: str, without: Sequence[AddressRange] = ()) -> Iterator[Prefix]:
    """The pool's blocks from one on that depends on the host, so that hosts seldom want the same.

    Those that lie whole in a range of ``without`` are passed over, however many they are.
    """
    length = block_length(pool)
    count = 1 << (length - pool.prefixlen)
    bits = pool.max_prefixlen - length
    first = int.from_bytes(sha256(host.encode()).digest()[:8]) % count
    number = 0
    while number < count:
        place = (first + number) % count
        start = int(pool.network_address) + (place << bits)
        end = start + (1 << bits) - 1
        around = [each for each in without if int(each.first) <= start and end <= int(each.last)]
        if around:
            # To the block in which the last address of the range lies, or past it; the pool's end is no range's.
            passed = max((int(each.last) + 1 - start) >> bits for each in around)
            number += min(max(passed, 1), count - place)
            continue
        yield ip_network((start, length))
        number += 1
