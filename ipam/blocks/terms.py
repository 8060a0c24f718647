"""What the users of a pool agree on besides its addresses, and where each host of it is reached.

The terms are kept with the pools themselves: a network on several hosts is told from others by a number, which
is given in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Final
from urllib.parse import quote, unquote

from ipam.blocks.base import Identity, Registry
from ipam.blocks.keys import (
    LAYOUT,
    POOLS,
    block_of,
    host_key,
    member_key,
    members_of,
    parsed,
    place_key,
    pool_key,
)
from ipam.blocks.membership import (
    TRIES,
    Agreed,
    PoolDiffersError,
    busy,
    check_admitted,
    is_written,
    read_agreed,
    worded,
)
from ipam.errors import InvalidOptionError
from ipam.prefixes import Prefix

_SHOWN: Final = 200  # characters of a value in a message
_PLAIN: Final = ",:/"  # no part of a record's own form


def agree_on_terms(
    registry: Registry,
    identity: Identity,
    pools: Sequence[Prefix],
    terms: Mapping[str, str],
    *,
    vni: int | None,
    place: str | None,
) -> int:
    """Use pools that this host has, on these terms, and have others reach it at ``place``; answer the number.

    Without terms there yet, or other hosts, these are the hosts', and so is ``vni``; None takes what is there, or a
    free one.  May be repeated.  Raises PoolDiffersError, InvalidOptionError if the number is another network's,
    NotAdmittedError, UnavailableError, UnknownOutcomeError.
    """
    first, me = pools[0], {host_key(identity.host): str(identity)}
    text = "&".join(f"{name}={quote(value, safe=_PLAIN)}" for name, value in terms.items())
    for _ in range(TRIES):
        layout = registry.read(LAYOUT).get(LAYOUT)
        records = registry.read(POOLS)
        before = {pool_key(pool): records.get(pool_key(pool)) for pool in pools}
        found = [_agreed(pool, records) for pool in pools]
        given = {**before, **me}
        given |= {member_key(pool, identity.host): identity.owner for pool in pools}
        writes = {} if place is None else {place_key(first, identity.host): place}
        is_new = not any(each.terms for each in found)
        if not is_new and (refusal := _difference(pools, found, terms, vni)):
            if _others(registry, identity, pools):
                raise refusal
            is_new = True
        number = found[0].vni
        if is_new:
            number = vni or found[0].vni
            others = [
                read_agreed(each) for _, key, each in parsed(records, block_of) if key not in before
            ]
            _check_free(number, others)
            given[LAYOUT], writes[LAYOUT] = layout, token_hex(4)
        for pool, each in zip(pools, found, strict=True):
            writes[pool_key(pool)] = worded(replace(each, vni=number, terms=text))
        if is_written(registry, given, writes, pool_key(first)):
            return number
        check_admitted(registry, identity)
    raise busy(first)


def move(registry: Registry, identity: Identity, pool: Prefix, place: str) -> None:
    """Have others reach this host at another place; nothing if it has the pool no more.  May be repeated.

    Raises UnavailableError, UnknownOutcomeError.
    """
    given = {
        member_key(pool, identity.host): identity.owner,
        host_key(identity.host): str(identity),
    }
    registry.commit(given, {place_key(pool, identity.host): place})


def _others(registry: Registry, identity: Identity, pools: Sequence[Prefix]) -> bool:
    """Whether other hosts have any of the pools: one that comes or goes changes the pool's record."""
    return any(
        registry.read(members_of(pool)).keys() - {member_key(pool, identity.host)} for pool in pools
    )


def _agreed(pool: Prefix, records: Mapping[str, str]) -> Agreed:
    text = records.get(pool_key(pool))
    if text is None:
        raise PoolDiffersError(
            f"pool {pool} is no longer the cluster's; create its network anew on this host"
        )
    return read_agreed(text)


def _difference(
    pools: Sequence[Prefix], found: Sequence[Agreed], wanted: Mapping[str, str], vni: int | None
) -> PoolDiffersError | None:
    """The first that is not as this host wants it."""
    each = (_compared(*pair, wanted, vni) for pair in zip(pools, found, strict=True))
    return next(filter(None, each), None)


def _compared(
    pool: Prefix, agreed: Agreed, wanted: Mapping[str, str], vni: int | None
) -> PoolDiffersError | None:
    parts = (part.partition("=") for part in agreed.terms.split("&") if part)
    there = {name: unquote(value) for name, _, value in parts}
    ours = dict(wanted)
    if vni is not None:
        there["vni"], ours["vni"] = str(agreed.vni), str(vni)
    for name in (*ours, *sorted(there.keys() - ours.keys())):
        one, other = there.get(name, ""), ours.get(name, "")
        if one != other:
            return PoolDiffersError(
                f"{_named(name)} of {pool} is {_said(one)} in the cluster and {_said(other)} here; create the network "
                f"with the same options on all hosts"
            )
    return None


def _said(value: str) -> str:
    """Another host wrote it, whatever it is."""
    return repr(_short(value)) if value else "not set"


def _named(name: str) -> str:
    """The same of an option's name."""
    return name if name.isidentifier() and len(name) <= _SHOWN else repr(_short(name))


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _check_free(number: int, others: Sequence[Agreed]) -> None:
    if any(each.vni == number for each in others):
        raise InvalidOptionError(
            f"vni {number} is another network's in the cluster; choose another, or none: then the hosts agree on "
            f"one"
        )
