"""Pools: ranges of addresses that serve one network each.

Docker keeps a pool's id for the life of its network, and sends only that id when it asks for an
address.  So the id consists of what never changes: the address space, the tenant and the prefix.
A store that is rebuilt from scratch gives the same ids again.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NewType

from ipam.errors import InvalidOptionError, UnknownPoolError
from ipam.prefixes import Address, AddressRange, Prefix, intersect, span, subtract, usable

AddressSpaceName = NewType("AddressSpaceName", str)
PoolID = NewType("PoolID", str)
Tenant = NewType("Tenant", str)

# Not Docker's LocalDefault and GlobalDefault: a network driver gets only the name of the space and
# a prefix, and must not treat a pool of Docker as one of this IPAM.
LOCAL: Final = AddressSpaceName("pynet-local")
GLOBAL: Final = AddressSpaceName("pynet-global")
NO_TENANT: Final = Tenant("")

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
# swarmkit, identity/randomid.go: 25 digits to the base of 36.  Other networks have 64 digits.
_SWARM_ID: Final = re.compile(r"[0-9a-z]{25}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSpaces:
    """The names of the two address spaces; they never change."""

    local: AddressSpaceName = LOCAL
    global_: AddressSpaceName = GLOBAL


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRequest:
    """A pool: any, any of a size, or this one.

    Without a prefix a pool is chosen, of IP version 6 if ``v6`` is set.  A prefix of
    0.0.0.0 or :: asks for any pool of that length.  An owner, if given, gets the
    same pool again when it repeats itself; engines never name one.
    """

    space: AddressSpaceName = LOCAL
    prefix: Prefix | None = None
    subpool: Prefix | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    v6: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A pool that is held.

    ``ranges`` narrow what is given automatically (none: the whole prefix) and
    ``exclusions`` are never given to an endpoint.  Pools of one ``group`` stand in for
    each other when they are full, as those of one network do.  ``network`` is set while
    a network driver says that it uses the pool; a pool that was ``released`` meanwhile
    goes when that network goes.  Pools of a ``cluster`` are shared with other hosts.
    """

    id: PoolID
    space: AddressSpaceName
    tenant: Tenant
    prefix: Prefix
    ranges: tuple[AddressRange, ...] = ()
    exclusions: tuple[AddressRange, ...] = ()
    group: str | None = None
    owner: str | None = None
    network: str | None = None
    cluster: str | None = None
    released: bool = False
    requested: float

    @property
    def automatic(self) -> tuple[AddressRange, ...]:
        """Where automatic choice may look, in order."""
        allowed = usable(self.prefix)
        parts = [intersect(allowed, part) for part in self.ranges] or [allowed]
        given = tuple(part for part in parts if part)
        if len(given) == 1 and not self.exclusions:
            return given  # nearly every pool; sets of addresses take a millisecond
        return subtract(given, self.exclusions)

    @property
    def never_given(self) -> tuple[AddressRange, ...]:
        """What is excluded, with the network's own addresses beside it, as few ranges; none if nothing is."""
        if not self.exclusions:
            return ()  # sets of addresses take a millisecond
        return subtract([span(self.prefix)], subtract([usable(self.prefix)], self.exclusions))

    def count_in(self, blocks: Iterable[Prefix]) -> int:
        """How many addresses of these blocks are not excluded."""
        parts = tuple(map(span, blocks))
        if self.exclusions:
            parts = subtract(parts, self.never_given)
        return sum(int(each.last) - int(each.first) + 1 for each in parts)

    def is_excluded(self, address: Address) -> bool:
        """Whether the address is never given to an endpoint."""
        return any(address in part for part in self.exclusions)


def pool_id(space: AddressSpaceName, tenant: Tenant, prefix: Prefix) -> PoolID:
    """The id of a pool: ``pynet-local/10.1.2.0/24``, ``pynet-local:blue/…``."""
    if tenant:
        return PoolID(f"{space}:{tenant}/{prefix}")
    return PoolID(f"{space}/{prefix}")


def is_of_swarm(network: str | None) -> bool:
    """Whether a network with this id is a swarm's: a manager allocates it, and nodes have copies.

    Engines from 28 on also create global networks of their own, without a swarm.
    """
    return network is not None and _SWARM_ID.fullmatch(network) is not None


def space_of(pool: PoolID) -> AddressSpaceName:
    """The address space that a pool's id names.  Raises UnknownPoolError if it names none."""
    space, slash, _ = pool.partition("/")
    if not slash:
        raise UnknownPoolError(
            f"pool {pool!r} is unknown, expected an id such as {LOCAL}/10.1.2.0/24"
        )
    return AddressSpaceName(space.partition(":")[0])


def parse_tenant(text: str) -> Tenant:
    """Read the name of a tenant, a part of its pools' ids.  Raises InvalidOptionError."""
    return Tenant(parse_name("tenant", text))


def parse_name(option: str, text: str) -> str:
    """Read a name that people make up, the value of ``option``.

    Raises InvalidOptionError unless it has 1 to 63 letters, digits, '_', '.' and '-'.
    """
    if not _NAME.fullmatch(text):
        raise InvalidOptionError(
            f"{option} is {text!r}, expected up to 63 letters, digits, '_', '.' and '-'"
        )
    return text
