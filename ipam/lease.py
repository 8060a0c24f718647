"""Leases: who holds an address, and how firmly.

An address is *reserved* when it is asked for, *bound* when an endpoint really has
it, and *resting* when it came back: kept from others for a while (quarantine), or
longer for the owner who may return (sticky).  ``until`` is when a lease that is
not bound ends by itself.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ipam.pool import PoolID
from ipam.prefixes import Address

# moby, daemon/cluster/executor/container/container.go: the service, its slot, and the task's id.
_TASK: Final = re.compile(r"(.+\.[0-9]+)\.[0-9a-z]{25}")


class Kind(StrEnum):
    """What an address is for."""

    GATEWAY = "gateway"
    AUXILIARY = "auxiliary"
    ENDPOINT = "endpoint"


class State(StrEnum):
    """How firmly an address is held."""

    RESERVED = "reserved"
    BOUND = "bound"
    RESTING = "resting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """By what a holder is known again: the first of these that is set."""

    name: str | None = None
    mac: str | None = None
    tag: str | None = None

    def __bool__(self) -> bool:
        return bool(self.name or self.mac or self.tag)

    def __str__(self) -> str:
        if self.name:
            return f"name {self.name}"
        if self.mac:
            return f"MAC {self.mac}"
        return f"tag {self.tag}" if self.tag else "nobody known"

    @property
    def marks(self) -> tuple["Owner", ...]:
        """The same owner known by one thing alone, for each that is set.

        A task of a service has its place there, too: it is another task after each change.
        """
        task = _TASK.fullmatch(self.name or "")
        known = (
            Owner(name=self.name),
            Owner(name=task[1] if task else None),
            Owner(mac=self.mac),
            Owner(tag=self.tag),
        )
        return tuple(mark for mark in known if mark)

    def without_mac(self) -> "Owner":
        """The same owner, known by its name and tag alone."""
        return Owner(name=self.name, tag=self.tag)

    def known_as(self, other: "Owner") -> "Owner":
        """The same owner, known by what the other is known by as well."""
        return Owner(
            name=other.name or self.name,
            mac=other.mac or self.mac,
            tag=other.tag or self.tag,
        )

    def matches(self, other: "Owner") -> bool:
        """Whether both are the same, by the first thing both are known by."""
        for mine, theirs in (
            (self.name, other.name),
            (self.mac, other.mac),
            (self.tag, other.tag),
        ):
            if mine and theirs:
                return mine == theirs
        return False


ANONYMOUS = Owner()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRequest:
    """What is asked of ``request_address``: this address, or any."""

    address: Address | None = None
    kind: Kind = Kind.ENDPOINT
    owner: Owner = ANONYMOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """One address that is not free; ``endpoint`` is who was seen with it."""

    pool: PoolID
    address: Address
    kind: Kind = Kind.ENDPOINT
    state: State
    owner: Owner = ANONYMOUS
    since: float
    until: float | None = None
    endpoint: str | None = None
