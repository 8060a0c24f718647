"""Names in the registry.  A prefix is written with '-' for its slash, which parts names.

=============================  ==============================  ====================================
key                            value                           life
=============================  ==============================  ====================================
``hosts/<host>``               instance, generation, boot      until the host is forgotten
``nodes/<host>``               the same                        the session of the host that runs
``blocks/<pool>/<block>``      host, instance, a word          until given back or forgotten
=============================  ==============================  ====================================
"""

from typing import Final

from ipam.prefixes import Prefix, parse_prefix

HOSTS: Final = "hosts/"
NODES: Final = "nodes/"
BLOCKS: Final = "blocks/"


def host_key(host: str) -> str:
    return f"{HOSTS}{host}"


def node_key(host: str) -> str:
    return f"{NODES}{host}"


def blocks_of(pool: Prefix) -> str:
    return f"{BLOCKS}{_written(pool)}/"


def block_key(pool: Prefix, block: Prefix) -> str:
    return f"{blocks_of(pool)}{_written(block)}"


def block_of(key: str) -> Prefix:
    """The block that a key is of."""
    return parse_prefix(key.rpartition("/")[2].replace("-", "/"))


def _written(prefix: Prefix) -> str:
    return str(prefix).replace("/", "-")
