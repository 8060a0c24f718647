"""What is remembered of a pool's addresses: where to look for a free one, and who may have which.

It may be behind what the store has when another process uses the same file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from ipam.address_set import AddressSet
from ipam.lease import Owner
from ipam.prefixes import Address, AddressRange, Prefix
from ipam.returned import Returned


class RememberedAddresses:
    """Changes when the store has kept an attempt, and not before."""

    def __init__(self, reserved: Mapping[Address, Owner]) -> None:
        self.named: set[Address] = set()  # asked for by themselves
        self.returned = Returned()
        self.reserved: Mapping[Address, Owner] = {}
        self._kept: dict[Owner, list[Address]] = {}
        self._set: AddressSet | None = None
        self._changes = 0
        self._blocks: Sequence[Prefix] | None = None
        self.keep(reserved)

    def keep(self, reserved: Mapping[Address, Owner]) -> None:
        """Keep these addresses for their owners from now on."""
        if reserved == self.reserved:
            return
        self.reserved = reserved
        self._kept = {}
        for address, owner in reserved.items():
            self._kept.setdefault(owner, []).append(address)
        self._set = None

    def kept_for(self, owner: Owner) -> Iterable[Address]:
        """Addresses that are reserved for one of the owner's marks."""
        return (address for mark in owner.marks for address in self._kept.get(mark, ()))

    def forget_taken(self) -> None:
        """Have the store asked which addresses are taken."""
        self._set = None

    def is_behind(self, changes: int) -> bool:
        """Whether others have changed something since the store was asked."""
        return self._changes != changes

    def taken(
        self,
        prefix: Prefix,
        blocks: Sequence[Prefix] | None,
        automatic: Callable[[], tuple[AddressRange, ...]],
        leased: Callable[[], Iterable[Address]],
        changes: Callable[[], int],
    ) -> AddressSet:
        """The addresses that are taken; the rest is asked for if it is not remembered."""
        if self._set is None or blocks != self._blocks:
            self._blocks = blocks
            self._changes = changes()
            self._set = AddressSet(prefix, automatic())
            for address in leased():
                self._set.add(address)
                self._set.pass_over(address)
            for address in self.reserved:
                self._set.add(address)
        return self._set

    def is_next(self, address: Address) -> None:
        """The address was the next that is free, and is held now."""
        self.is_held(address)
        if self._set is not None:
            self._set.pass_over(address)

    def is_held(self, address: Address) -> None:
        """Note that the address is held."""
        self.returned.discard(address)
        if self._set is not None:
            self._set.add(address)

    def is_free(self, address: Address) -> None:
        """The address is free."""
        self.named.discard(address)
        if self._set is not None and address not in self.reserved:
            self._set.discard(address)
