"""What the registry has of all hosts, for people to look at."""

from collections.abc import Mapping
from dataclasses import dataclass

from ipam.blocks.base import Registry
from ipam.blocks.keys import (
    ABOUT,
    BLOCKS,
    HOSTS,
    MEMBERS,
    NODES,
    POOLS,
    block_of,
    member_of,
    parsed,
    pool_of,
)
from ipam.blocks.layout import is_kept
from ipam.blocks.membership import Agreed, read_agreed
from ipam.prefixes import Prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRecord:
    """A host: what it says about itself, whether it was heard of lately, and its part of pools."""

    host: str
    about: str
    is_heard: bool
    blocks: Mapping[Prefix, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRecord:
    """A pool: what is agreed on, and the hosts that have it."""

    prefix: Prefix
    agreed: Agreed
    hosts: tuple[str, ...]


def read_hosts(registry: Registry) -> list[HostRecord]:
    """Every host that was admitted or has a block, by name.  Raises UnavailableError."""
    blocks: dict[str, dict[Prefix, int]] = {
        key.removeprefix(HOSTS): {} for key in registry.read(HOSTS)
    }
    for pool, _, owner in parsed(registry.read(BLOCKS), pool_of):
        if is_kept(owner):
            continue
        held = blocks.setdefault(owner.partition(" ")[0], {})
        held[pool] = held.get(pool, 0) + 1
    heard = {key.removeprefix(NODES) for key in registry.read(NODES)}
    about = {key.removeprefix(ABOUT): text for key, text in registry.read(ABOUT).items()}
    return [
        HostRecord(
            host=host, about=about.get(host, ""), is_heard=host in heard, blocks=blocks[host]
        )
        for host in sorted(blocks)
    ]


def read_pools(registry: Registry) -> list[PoolRecord]:
    """Every pool, in the order of addresses.  Raises UnavailableError."""
    hosts: dict[Prefix, list[str]] = {}
    for pool, key, _ in parsed(registry.read(MEMBERS), pool_of):
        hosts.setdefault(pool, []).append(member_of(key))
    records = {pool: text for pool, _, text in parsed(registry.read(POOLS), block_of)}
    return [
        PoolRecord(
            prefix=prefix,
            agreed=read_agreed(records[prefix]),
            hosts=tuple(sorted(hosts.get(prefix, ()))),
        )
        for prefix in sorted(records, key=lambda each: (each.version, each.network_address))
    ]
