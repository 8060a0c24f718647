"""The contracts of what hosts share, and of what one host remembers of it.

The registry is one for all hosts and survives each of them, as etcd does; the program that uses
this package provides it.  The ledger belongs to this host and is on its disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ipam.errors import RefusedError
from ipam.prefixes import Prefix


class UnavailableError(RefusedError):
    """The registry cannot be asked; nothing was written."""


class UnknownOutcomeError(RefusedError):
    """The registry was told to write and did not answer: it may or may not have."""


class NotAdmittedError(RefusedError):
    """This host may not use what the registry has under its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A host, as the registry knows it.

    ``instance`` is made with the ledger, and ``generation`` counts the boots of the machine that were
    admitted; ``boot`` is the last of them (/proc/sys/kernel/random/boot_id).  No part has a space.
    """

    host: str
    instance: str
    generation: int = 0
    boot: str = ""

    @property
    def owner(self) -> str:
        """Whose a block is: the host's name and instance, whatever boot it is."""
        return f"{self.host} {self.instance}"

    def owns(self, value: str | None) -> bool:
        """Whether the value of a block's key is this host's, of any boot."""
        return value is not None and value.rpartition(" ")[0] == self.owner

    def __str__(self) -> str:
        return f"{self.instance} {self.generation} {self.boot}"


class Registry(Protocol):
    """Keys and values in words, changed in transactions that have one order for all hosts."""

    def read(self, prefix: str) -> dict[str, str]:
        """Every key that begins with the prefix, as the last transaction left it.

        Raises UnavailableError.
        """
        ...

    def commit(
        self,
        given: Mapping[str, str | None],
        writes: Mapping[str, str | None],
        *,
        session: Mapping[str, str] = {},
    ) -> bool:
        """Write if every key of ``given`` has its value, None being absent; answer whether it did.

        A value None deletes.  What is written with the ``session`` ends by itself a while after this
        host was last heard of.

        Raises UnavailableError, UnknownOutcomeError.
        """
        ...


class Ledger(Protocol):
    """What this host must remember for its blocks; each change is on disk when it returns.

    When an older ledger is put in its place, from a backup, the identity's boot must be emptied: what
    was given back since is another host's, and only the registry knows.

    Any method may raise StoreError.
    """

    def identity(self) -> Identity | None:
        """Who this host was when it was last admitted; None if it never was."""
        ...

    def attempts(self) -> tuple[str, ...]:
        """What was tried since, and may have been written."""
        ...

    def begin(self, identity: Identity) -> None:
        """Forget everything, all blocks too, and be this one from now on."""
        ...

    def attempt(self, text: str) -> None:
        """Remember that this will be tried."""
        ...

    def admit(self, identity: Identity) -> None:
        """Remember who was admitted, and forget the attempts."""
        ...

    def pools(self) -> list[Prefix]:
        """The pools of which this host has blocks."""
        ...

    def blocks(self, pool: Prefix) -> list[Prefix]:
        """The blocks of the pool that are this host's, in their order."""
        ...

    def add(self, pool: Prefix, block: Prefix) -> None:
        """Remember a block, once."""
        ...

    def drop(self, pool: Prefix, block: Prefix) -> None:
        """Forget a block."""
        ...
