"""Names in the registry.  A prefix is written with '-' for its slash, which parts names.

=============================  ==============================  ====================================
key                            value                           life
=============================  ==============================  ====================================
``hosts/<host>``               instance, generation, boot      until the host is forgotten
``nodes/<host>``               the same                        the session of the host that runs
``about/<host>``               what it says about itself       until the host is forgotten
``blocks/<pool>/<block>``      host, instance, a word          until given back or forgotten
``blocks/<pool>/<address>``    as of a block                   of one address, in a block that is kept
``pools/<pool>``               what hosts agree on, a word     until the last member leaves
``members/<pool>/<host>``      host, instance                  until it leaves or is forgotten
``places/<pool>/<host>``       where others reach the host     as long as that
``kept/<pool>/<address>``      for whom it is kept             until it is kept no longer
``layout``                     a word                          for ever; new with each pool
=============================  ==============================  ====================================
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Final, TypeVar

from ipam.errors import InvalidRequestError
from ipam.prefixes import Address, Prefix, parse_prefix

HOSTS: Final = "hosts/"
NODES: Final = "nodes/"
ABOUT: Final = "about/"
BLOCKS: Final = "blocks/"
POOLS: Final = "pools/"
MEMBERS: Final = "members/"
PLACES: Final = "places/"
KEPT: Final = "kept/"
LAYOUT: Final = "layout"

T = TypeVar("T")


def host_key(host: str) -> str:
    return f"{HOSTS}{host}"


def node_key(host: str) -> str:
    return f"{NODES}{host}"


def about_key(host: str) -> str:
    return f"{ABOUT}{host}"


def blocks_of(pool: Prefix) -> str:
    return f"{BLOCKS}{_written(pool)}/"


def block_key(pool: Prefix, block: Prefix) -> str:
    return f"{blocks_of(pool)}{_written(block)}"


def block_of(key: str) -> Prefix:
    """The block, or the pool, that a key is of."""
    return parse_prefix(key.rpartition("/")[2].replace("-", "/"))


def pool_key(pool: Prefix) -> str:
    return f"{POOLS}{_written(pool)}"


def members_of(pool: Prefix) -> str:
    return f"{MEMBERS}{_written(pool)}/"


def member_key(pool: Prefix, host: str) -> str:
    return f"{members_of(pool)}{host}"


def places_of(pool: Prefix) -> str:
    return f"{PLACES}{_written(pool)}/"


def place_key(pool: Prefix, host: str) -> str:
    return f"{places_of(pool)}{host}"


def kept_of(pool: Prefix) -> str:
    return f"{KEPT}{_written(pool)}/"


def kept_key(pool: Prefix, address: Address) -> str:
    return f"{kept_of(pool)}{address}"


def pool_of(key: str) -> Prefix:
    """The pool that the key of a member or a block is of."""
    return parse_prefix(key.split("/")[1].replace("-", "/"))


def member_of(key: str) -> str:
    """The host that a member's key is of."""
    return key.rpartition("/")[2]


def parsed(found: Mapping[str, str], parse: Callable[[str], T]) -> Iterator[tuple[T, str, str]]:
    """What keys stand for, with each key and its value; without those that are no host's, but another program's."""
    for key, value in found.items():
        with suppress(InvalidRequestError):
            yield parse(key), key, value


def _written(prefix: Prefix) -> str:
    return str(prefix).replace("/", "-")
