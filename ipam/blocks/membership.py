"""Pools that hosts agree on: a network is its subnet, and who asks for the same subnet joins it.

The record of a pool ends in a word that each change replaces.  A write that was sent before and comes late
is of the old word, and comes to nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from secrets import token_hex
from typing import Final

from ipam.blocks.base import (
    Identity,
    NotAdmittedError,
    Registry,
    UnavailableError,
    UnknownOutcomeError,
)
from ipam.blocks.keys import (
    LAYOUT,
    MEMBERS,
    POOLS,
    block_of,
    host_key,
    member_key,
    members_of,
    parsed,
    place_key,
    pool_key,
    pool_of,
)
from ipam.errors import InvalidAddressError, PoolOverlapError, RefusedError
from ipam.prefixes import Address, Prefix, intersect, parse_address, span, usable

FIRST_VNI: Final = 4096  # below are VLANs, by which people number by hand
LAST_VNI: Final = (1 << 24) - 1  # RFC 7348 section 5
TRIES: Final = 8  # others that change the same pool at the same moment
_NONE: Final = "-"
_SHOWN: Final = 80  # characters of what cannot be read


class PoolDiffersError(RefusedError):
    """The cluster has the pool with other options."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What all hosts that have a pool agree on.  No text has a space."""

    cluster: str
    exclusions: str = ""
    vni: int = 0
    gateway: Address | None = None
    terms: str = ""  # of whatever uses the pool (terms.py)

    def __str__(self) -> str:
        gateway = str(self.gateway or _NONE)
        parts = self.cluster, self.exclusions or _NONE, self.vni, gateway, self.terms or _NONE
        return " ".join(map(str, parts))


def join(registry: Registry, identity: Identity, pool: Prefix, wanted: Agreed) -> Agreed:
    """Have the pool on this host; answer what is agreed on, which is as wanted if it is new.

    May be repeated.  Raises PoolDiffersError, PoolOverlapError, NotAdmittedError, UnavailableError,
    UnknownOutcomeError.
    """
    key, member = pool_key(pool), member_key(pool, identity.host)
    me = {host_key(identity.host): str(identity)}
    for _ in range(TRIES):
        layout = registry.read(LAYOUT).get(LAYOUT)
        records = registry.read(POOLS)
        before = records.get(key)
        if before is None:
            agreed = replace(wanted, vni=_free_vni(pool, _check_clear(pool, records)))
            after = worded(agreed)
            given = {LAYOUT: layout, key: None, **me}
            writes = {LAYOUT: token_hex(4), key: after, member: identity.owner}
        else:
            agreed = read_agreed(before)
            _check_alike(pool, agreed, wanted)
            after = worded(agreed)
            given = {key: before, **me}
            writes = {key: after, member: identity.owner}
        if is_written(registry, given, writes, key):
            return agreed
        check_admitted(registry, identity)
    raise busy(pool)


def agree_on_gateway(
    registry: Registry, identity: Identity, pool: Prefix, wanted: Address | None
) -> Address:
    """The gateway of the pool on all hosts: the one that is wanted first, or the first address.

    Raises PoolDiffersError if another is agreed on; NotAdmittedError, UnavailableError, UnknownOutcomeError.
    """
    key = pool_key(pool)
    me = {host_key(identity.host): str(identity)}
    for _ in range(TRIES):
        before = registry.read(key).get(key)
        if before is None:
            raise PoolDiffersError(
                f"pool {pool} is no longer the cluster's; create its network anew on this host"
            )
        agreed = read_agreed(before)
        gateway = agreed.gateway or wanted or usable(pool).first
        if wanted not in (None, gateway):
            raise PoolDiffersError(
                f"gateway of {pool} is {gateway} in the cluster and {wanted} here; give the same one on all hosts"
            )
        changed = {key: worded(replace(agreed, gateway=gateway))}
        if agreed.gateway or is_written(registry, {key: before, **me}, changed, key):
            return gateway
        check_admitted(registry, identity)
    raise busy(pool)


def leave(registry: Registry, host: str, pool: Prefix) -> None:
    """Have the pool no more on this host; the last one that leaves removes it.

    May be repeated.  Raises UnavailableError, UnknownOutcomeError.
    """
    key, member = pool_key(pool), member_key(pool, host)
    for _ in range(TRIES):
        layout = registry.read(LAYOUT).get(LAYOUT)
        before = registry.read(key).get(key)
        others = [each for each in registry.read(members_of(pool)) if each != member]
        given = {key: before}
        writes: dict[str, str | None] = {member: None, place_key(pool, host): None}
        if before is not None and others:
            writes[key] = worded(read_agreed(before))
        else:
            # A creation that is under way is of the old layout, and comes to nothing.
            given[LAYOUT] = layout
            writes |= {key: None, LAYOUT: token_hex(4)}
        if registry.commit(given, writes):
            return
    raise busy(pool)


def leave_all(registry: Registry, host: str) -> None:
    """Have no pool on a host that is gone.  Raises UnavailableError, UnknownOutcomeError."""
    for pool, member, _ in parsed(registry.read(MEMBERS), pool_of):
        if member == member_key(pool, host):
            leave(registry, host, pool)


def read_agreed(text: str) -> Agreed:
    """What the record of a pool says.  Raises RefusedError if it is no such record."""
    try:
        cluster, exclusions, vni, gateway, terms, _ = text.split(" ")
        return Agreed(
            cluster=cluster,
            exclusions="" if exclusions == _NONE else exclusions,
            vni=int(vni),
            gateway=None if gateway == _NONE else parse_address(gateway),
            terms="" if terms == _NONE else terms,
        )
    except (ValueError, InvalidAddressError) as error:
        raise RefusedError(
            f"the cluster's record of a pool is {text[:_SHOWN]!r}, which no host of this version wrote; have all "
            f"hosts run the same version, or remove its key from etcd"
        ) from error


def _check_clear(pool: Prefix, records: Mapping[str, str]) -> set[int]:
    """The numbers that other pools have.  Raises PoolOverlapError if one shares an address."""
    known = list(parsed(records, block_of))
    for other, _, _ in known:
        if other.version == pool.version and intersect(span(pool), span(other)):
            raise PoolOverlapError(
                f"Pool overlaps with other one on this address space: {pool} and pool {other} of the cluster; "
                f"choose another subnet, or exactly that one to join its network"
            )
    return {read_agreed(text).vni for _, _, text in known}


def _check_alike(pool: Prefix, agreed: Agreed, wanted: Agreed) -> None:
    for option, there, here in (
        ("cluster", agreed.cluster, wanted.cluster),
        ("exclude", agreed.exclusions, wanted.exclusions),
    ):
        if there != here:
            raise PoolDiffersError(
                f"{option} of {pool} is {there!r} in the cluster and {here!r} here; create the network with the "
                f"same options on all hosts"
            )


def _free_vni(pool: Prefix, taken: set[int]) -> int:
    """One that the pool has again if it is made anew, so that hosts with old tunnels still agree."""
    count = LAST_VNI + 1 - FIRST_VNI
    first = int.from_bytes(sha256(str(pool).encode()).digest()[:8]) % count
    return next(
        vni for step in range(count) if (vni := FIRST_VNI + (first + step) % count) not in taken
    )


def is_written(
    registry: Registry, given: Mapping[str, str | None], writes: Mapping[str, str], key: str
) -> bool:
    """Write if all is as given; the value of ``key`` tells after a lost answer whether it was.

    Raises UnavailableError, UnknownOutcomeError.
    """
    try:
        return registry.commit(given, writes)
    except UnknownOutcomeError as error:
        try:
            found = registry.read(key).get(key)
        except UnavailableError:
            raise error from None
        if found == writes[key]:
            return True
        raise  # the write may yet come: the next that joins or leaves replaces the word


def check_admitted(registry: Registry, identity: Identity) -> None:
    """Find out why a commit failed.  Raises NotAdmittedError, UnavailableError."""
    key = host_key(identity.host)
    if registry.read(key).get(key) != str(identity):
        raise NotAdmittedError(
            f"host {identity.host} is another machine's in the cluster, or was forgotten; restart pynet to see "
            f"which"
        )


def worded(agreed: Agreed) -> str:
    """A new record of the pool."""
    return f"{agreed} {token_hex(4)}"


def busy(pool: Prefix) -> RefusedError:
    """What is said after too many tries."""
    return RefusedError(f"other hosts change pool {pool} faster than this one; try again")
