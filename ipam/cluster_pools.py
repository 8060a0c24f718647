"""This host's part of a cluster's pools: joined and claimed while a call waits, given back afterwards.

What a call waits for the registry is bounded by the registry that ``registry`` answers: each is for one
operation, and all its reads and commits together have the time that one call may wait.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Final

from ipam.blocks.admission import admit, attend, describe, give_back_rest
from ipam.blocks.base import Identity, Ledger, NotAdmittedError, Registry, UnavailableError
from ipam.blocks.kept import free_all_kept, give_up, keep, read_all_kept
from ipam.blocks.layout import block_length
from ipam.blocks.membership import Agreed, PoolDiffersError, agree_on_gateway, join, leave
from ipam.blocks.ownership import Blocks
from ipam.blocks.terms import agree_on_terms, move
from ipam.prefixes import Address, AddressRange, Prefix, alone
from ipam.store.host_facts import HostFacts

PATIENCE: Final = 0.9  # seconds that one operation waits for another


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisHost:
    """Who this host is to others.

    ``boot`` changes with each boot of the machine; ``instance`` answers a random word, and ``about`` what others
    may read about it.
    """

    name: str
    boot: str
    instance: Callable[[], str]
    about: Callable[[], str] = lambda: ""


class ClusterPools:
    """The host's companion facts (``HostFacts``), with the blocks that it may give from.

    Every method but those of the facts raises NotAdmittedError, UnavailableError, UnknownOutcomeError, StoreError.
    """

    def __init__(
        self,
        registry: Callable[[], Registry],
        ledger: Ledger,
        facts: HostFacts,
        this: ThisHost,
    ) -> None:
        self._registry = registry
        self._ledger = ledger
        self._facts = facts
        self._this = this
        self._described = ""
        self._lock = Lock()
        self._identity: Identity | None = None
        self._is_restart = False  # of the process alone, in the same boot of the machine
        self._owned: dict[Prefix, tuple[Prefix, ...]] = {}
        self._wanted: list[Prefix] = []
        self._refusal = ""
        self._trouble = ""

    def replay_due(self) -> bool:
        return self._facts.replay_due()

    def put_replay_due(self, *, due: bool) -> None:
        self._facts.put_replay_due(due=due)

    def changes_by_others(self) -> int:
        return self._facts.changes_by_others()

    def blocks(self, pool: Prefix) -> tuple[Prefix, ...]:
        """None are given before the host is admitted."""
        return () if self._refusal else self._owned.get(pool, ())

    @contextmanager
    def joined(
        self, pool: Prefix, wanted: Agreed, without: Sequence[AddressRange] = ()
    ) -> Iterator[None]:
        """Be a member of the pool, with a block of it; it is kept while the context lasts.

        Raises PoolDiffersError, PoolOverlapError, PoolFullError besides.
        """
        self._wanted.append(pool)
        try:
            with self._alone() as registry:
                identity = self._admitted(registry)
                if not self._owned.get(pool):
                    # First, because the ledger then tells that this pool may have to be left.
                    self._claim(registry, identity, pool, None, without)
                join(registry, identity, pool, wanted)
            yield
        finally:
            self._wanted.remove(pool)

    def claim(
        self,
        pool: Prefix,
        containing: Address | None = None,
        without: Sequence[AddressRange] = (),
    ) -> None:
        """Have one more block, or the one that contains this address.  Raises PoolFullError besides."""
        with self._alone() as registry:
            self._claim(registry, self._admitted(registry), pool, containing, without)

    def agree_on_gateway(self, pool: Prefix, wanted: Address | None) -> Address:
        """The gateway of the pool on all hosts.  Raises PoolDiffersError besides."""
        with self._alone() as registry:
            return agree_on_gateway(registry, self._admitted(registry), pool, wanted)

    def agree_on_terms(
        self,
        pools: Sequence[Prefix],
        terms: Mapping[str, str],
        *,
        vni: int | None,
        place: str | None,
    ) -> int:
        """The number of the network that uses these pools, on all hosts (``blocks.terms``).

        Raises PoolDiffersError, InvalidOptionError besides.
        """
        with self._alone() as registry:
            identity = self._admitted(registry)
            for pool in pools:
                if not self._owned.get(pool):
                    raise PoolDiffersError(
                        f"subnet {pool} is not the cluster's on this host; use pynet as IPAM too, with a subnet in "
                        f"PYNET_CLUSTER or the option cluster=NAME"
                    )
            return agree_on_terms(registry, identity, pools, terms, vni=vni, place=place)

    def move(self, pool: Prefix, place: str) -> None:
        """Have others reach this host at another place by the pool; none if it has the pool no more."""
        with self._alone() as registry:
            move(registry, self._admitted(registry), pool, place)

    def kept(self) -> dict[Prefix, dict[Address, str]]:
        """For whom addresses of each pool are kept on all hosts."""
        with self._alone() as registry:
            return read_all_kept(registry)

    def keep(self, pool: Prefix, address: Address, owner: str) -> None:
        """Keep an address on all hosts.  Raises AddressReservedError, InvalidAddressError besides."""
        with self._alone() as registry:
            keep(registry, self._admitted(registry), pool, address, owner)

    def give_up(self, pool: Prefix, address: Address) -> bool:
        """Keep an address no longer; answer whether it was kept."""
        with self._alone() as registry:
            return give_up(registry, pool, address)

    def give_back_unused(self, pool: Prefix, is_used: Callable[[Address], bool]) -> None:
        """Let others have the addresses that were claimed alone, and that nothing has here."""
        for single in self._owned.get(pool, ()):
            if not self.is_alone(pool, single.network_address):
                continue
            with self._alone() as registry:
                blocks = Blocks(registry, self._ledger, self._admitted(registry))
                # First, so that no request that comes meanwhile can have it.
                self._owned[pool] = tuple(each for each in self._owned[pool] if each != single)
                try:
                    if not is_used(single.network_address):
                        blocks.give_back(pool, single)
                finally:
                    self._owned[pool] = tuple(blocks.owned(pool))

    def find_again(self, held: Collection[Prefix]) -> None:
        """Take up what a process that was killed had begun to claim or to give back: once, after a restart."""
        if not self._is_restart:
            return
        for pool in held:
            with self._alone() as registry:
                blocks = Blocks(registry, self._ledger, self._admitted(registry))
                blocks.find_again(pool)
                self._owned[pool] = tuple(blocks.owned(pool))
        with self._alone() as registry:
            # Of pools that were being left.
            give_back_rest(registry, self._ledger, self._admitted(registry))
            free_all_kept(registry)
        self._is_restart = False

    def is_alone(self, pool: Prefix, address: Address) -> bool:
        """Whether the address was claimed by itself, and not with a block."""
        return (
            alone(address) in self._owned.get(pool, ()) and block_length(pool) < pool.max_prefixlen
        )

    def pools(self) -> list[Prefix]:
        """The pools that this host has blocks of."""
        return self._ledger.pools()

    def is_new(self) -> bool:
        """Whether the cluster knew nothing of this host when it was admitted."""
        return self._identity is not None and self._identity.generation == 1

    def attend(self, held: Callable[[], Collection[Prefix]]) -> None:
        """Show that this host runs; admit it if that has not been possible yet.

        A host that is not admitted any more gives nothing from then on.  One that was forgotten begins anew once
        it holds no pool of the cluster's, so that nothing of what it had is in use.
        """
        with self._alone() as registry:
            if self._refusal and not self._wanted and not held():
                self._ledger.begin(Identity(host=self._this.name, instance=self._this.instance()))
                self._identity, self._owned, self._refusal = None, {}, ""
            try:
                identity = self._identity or self._admitted(registry)
                attend(registry, identity)
            except NotAdmittedError as error:
                self._refusal = str(error)
                raise
            self._refusal = ""
            about = self._this.about()
            if about != self._described:
                describe(registry, identity, about)
                self._described = about

    def leave_all_but(self, held: Callable[[], Collection[Prefix]]) -> None:
        """Leave the pools that this host holds no more, and give their blocks back."""
        for pool in self._ledger.pools():
            with self._alone() as registry:
                identity = self._admitted(registry)
                if pool in self._wanted or pool in held():
                    continue
                leave(registry, self._this.name, pool)
                blocks = Blocks(registry, self._ledger, identity)
                self._owned.pop(pool, None)
                for block in blocks.owned(pool):
                    blocks.give_back(pool, block)

    def _claim(
        self,
        registry: Registry,
        identity: Identity,
        pool: Prefix,
        containing: Address | None,
        without: Sequence[AddressRange],
    ) -> None:
        blocks = Blocks(registry, self._ledger, identity)
        blocks.claim(pool, containing, without)
        self._owned[pool] = tuple(blocks.owned(pool))

    def _admitted(self, registry: Registry) -> Identity:
        if self._identity is not None and self._refusal:
            raise NotAdmittedError(self._refusal)
        if self._identity is None:
            before = self._ledger.identity()
            self._identity = admit(
                registry,
                self._ledger,
                host=self._this.name,
                boot=self._this.boot,
                instance=self._this.instance(),
            )
            self._is_restart = before == self._identity
            self._owned = {pool: tuple(self._ledger.blocks(pool)) for pool in self._ledger.pools()}
        return self._identity

    @contextmanager
    def _alone(self) -> Iterator[Registry]:
        if not self._lock.acquire(timeout=PATIENCE):
            raise UnavailableError(
                self._trouble or "the cluster is being asked for something else; try again"
            )
        try:
            yield self._registry()
            self._trouble = ""
        except UnavailableError as error:
            self._trouble = str(error)
            raise
        finally:
            self._lock.release()
