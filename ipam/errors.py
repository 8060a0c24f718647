"""What can be wrong with a request, for the person who made it.

The caller can correct an ``InvalidRequestError``.  A ``RefusedError`` is about what others hold,
and a ``StoreError`` about the file.
Every message names the value, the rule and the remedy; nothing has been changed
when one is raised.
"""

from pathlib import Path


class IpamError(Exception):
    """The root of everything this package raises on purpose."""


class InvalidRequestError(IpamError):
    """The request could never be granted, even if no address were taken."""


class InvalidPrefixError(InvalidRequestError):
    """A pool that is not a prefix, or one no host may use."""


class InvalidSubPoolError(InvalidRequestError):
    """A sub-pool that does not fit its pool."""


class InvalidAddressError(InvalidRequestError):
    """An address that is none, or that the pool can never give."""


class InvalidOptionError(InvalidRequestError):
    """An option of a pool that is unknown or has an unusable value."""


class InvalidSettingError(InvalidRequestError):
    """A setting of the allocator that cannot be followed."""


class UnknownAddressSpaceError(InvalidRequestError):
    """An address space that is not one of the two."""


class InvalidReservationError(InvalidRequestError):
    """A reservation that names no owner, or several."""


class RefusedError(IpamError):
    """The request is sound but what is taken stands in its way."""


class UnknownPoolError(RefusedError):
    """No such pool is held; the store may have been lost."""


class PoolOverlapError(RefusedError):
    """The pool shares addresses with another one of the same tenant."""


class PoolInUseError(RefusedError):
    """The pool serves another network."""


class PoolsExhaustedError(RefusedError):
    """No configured range has a gap of the size that was asked for."""


class PoolFullError(RefusedError):
    """Every address of the pool, and of its siblings, is taken."""


class NotOwnedError(RefusedError):
    """The address is in no block of a cluster's pool that this host owns."""


class UnnamedAddressError(RefusedError):
    """Any address was asked for where only others choose one."""


class AddressInUseError(RefusedError):
    """Another owner holds the address."""


class AddressReservedError(RefusedError):
    """The address is kept for another owner."""


class StoreError(IpamError):
    """The store could not do it; nothing has been written."""


class NewerStoreError(StoreError):
    """The file was written by a later version; it is left untouched."""


class CorruptStoreError(StoreError):
    """The file could not be read; it now lies at ``set_aside``."""

    def __init__(self, message: str, set_aside: Path) -> None:
        super().__init__(message)
        self.set_aside = set_aside
