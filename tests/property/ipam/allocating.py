"""An allocator that is asked anything, and what a model of dictionaries knows of it."""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from ipam.allocator import Allocator
from ipam.errors import (
    AddressInUseError,
    InvalidAddressError,
    PoolFullError,
    PoolInUseError,
    PoolOverlapError,
    PoolsExhaustedError,
    UnknownPoolError,
)
from ipam.lease import AddressRequest, Owner, State
from ipam.pool import LOCAL, PoolID, PoolRequest, pool_id
from ipam.prefixes import usable
from ipam.returned import RESTART_SECONDS
from ipam.store.base import Store
from ipam.store.memory import MemoryStore
from tests.property.ipam.model import NAMES, ROUTE, SETTINGS, TENANTS, Held, Known, prefixes


class AllocatorMachine(RuleBasedStateMachine):
    """An allocator beside a model made of dictionaries."""

    pools = Bundle("pools")

    def open_store(self) -> Store:
        return MemoryStore()

    @initialize()
    def begin(self) -> None:
        self.now = 1_800_000_000.0
        self.store = self.open_store()
        self.model: dict[PoolID, Known] = {}
        self.open()

    def open(self) -> None:
        self.now += 1
        self.began = self.now
        for known in self.model.values():
            known.returned.clear()
            for held in known.held.values():
                held.by_number = False
        self.allocator = Allocator(
            self.store, SETTINGS, occupied=lambda: [ROUTE], clock=lambda: self.now
        )
        self.now += 1

    @rule(target=pools, prefix=prefixes, tenant=st.sampled_from(TENANTS))
    def request_this_pool(self, prefix: IPv4Network, tenant: str) -> PoolID:
        wanted = pool_id(LOCAL, tenant, prefix)
        in_the_way = [
            known
            for known in self.model.values()
            if known.tenant == tenant and known.prefix.overlaps(prefix)
        ]
        options = {"tenant": tenant} if tenant else {}
        try:
            pool = self.allocator.request_pool(PoolRequest(prefix=prefix, options=options))
        except PoolOverlapError:
            assert in_the_way
            return wanted
        assert pool.id == wanted
        assert all(known.prefix == prefix and not known.held for known in in_the_way)
        self.model[pool.id] = Known(prefix, tenant, None, released=False, held={})
        return pool.id

    @rule(target=pools)
    def request_any_pool(self) -> object:
        clear_of = [ROUTE, *(known.prefix for known in self.model.values())]
        free = [
            prefix
            for prefix in IPv4Network("10.9.0.0/27").subnets(new_prefix=29)
            if not any(prefix.overlaps(other) for other in clear_of)
        ]
        try:
            pool = self.allocator.request_pool(PoolRequest())
        except PoolsExhaustedError:
            assert not free
            return multiple()
        assert pool.prefix == free[0]
        self.model[pool.id] = Known(free[0], "", None, released=False, held={})
        return pool.id

    @rule(pool=consumes(pools))
    def release_pool(self, pool: PoolID) -> None:
        self.allocator.release_pool(pool)
        known = self.model.get(pool)
        if known and known.network:
            known.released = True
        else:
            self.model.pop(pool, None)

    @rule(chosen=st.lists(pools, max_size=3), network=st.sampled_from(("net1", "net2")))
    def group(self, chosen: list[PoolID], network: str) -> None:
        wanted = [self.model[pool].prefix for pool in chosen if pool in self.model]
        expected = {}
        refused = False
        for prefix in wanted:
            same = {pool: known for pool, known in self.model.items() if known.prefix == prefix}
            if any(known.network == network for known in same.values()):
                continue
            free = [pool for pool, known in same.items() if known.network is None]
            refused = refused or not free
            if len(free) == 1:
                expected[free[0]] = network
        try:
            self.allocator.group(network, LOCAL, wanted)
        except PoolInUseError:
            assert refused
        else:
            assert not refused
            for pool in expected:
                self.model[pool].network = network

    @rule(network=st.sampled_from(("net1", "net2")))
    def ungroup(self, network: str) -> None:
        self.allocator.ungroup(network)
        for pool, known in list(self.model.items()):
            if known.network == network:
                known.network = None
                if known.released:
                    del self.model[pool]

    @rule(pool=pools, name=st.sampled_from(NAMES))
    def request_any_address(self, pool: PoolID, name: str | None) -> None:
        try:
            interface = self.allocator.request_address(pool, AddressRequest(owner=Owner(name=name)))
        except UnknownPoolError:
            assert pool not in self.model
            return
        except PoolFullError:
            for each in self.family(pool):
                first, last = usable(each.prefix).first, usable(each.prefix).last
                assert len(each.held) == int(last) - int(first) + 1
            return
        returned = self.returned(pool)
        if name is None and len(returned) == 1 and not returned[0][1]:
            assert interface.ip == returned[0][0]
        known = next(each for each in self.family(pool) if interface.ip in each.prefix)
        held = known.held.get(interface.ip)
        assert held is None or (name and held.name == name and held.deadline is not None)
        assert interface.ip in usable(known.prefix)
        assert interface.network == known.prefix
        self.hold(known, interface.ip, name)

    @rule(pool=pools, name=st.sampled_from(NAMES), offset=st.integers(0, 31))
    def request_this_address(self, pool: PoolID, name: str | None, offset: int) -> None:
        address = IPv4Address("10.9.0.0") + offset
        request = AddressRequest(address=address, owner=Owner(name=name))
        holders = [each for each in self.family(pool) if address in each.prefix]
        held = holders[0].held.get(address) if holders else None
        try:
            self.allocator.request_address(pool, request)
        except UnknownPoolError:
            assert pool not in self.model
        except InvalidAddressError:
            assert not holders or address not in usable(holders[0].prefix)
        except AddressInUseError:
            assert held is not None
            assert held.deadline is None or held.since >= self.began
            assert held.deadline is None or not name or held.name != name
        else:
            assert held is None or held.deadline is not None
            assert held is None or held.since < self.began or (name and name == held.name)
            self.hold(holders[0], address, name)
            holders[0].held[address].by_number = True

    @rule(pool=pools, data=st.data())
    def release_address(self, pool: PoolID, data: st.DataObject) -> None:
        family = self.family(pool)
        taken = [address for each in family for address in each.held]
        address = data.draw(st.sampled_from([*taken, IPv4Address("10.9.0.3")]))
        self.allocator.release_address(pool, address)
        for each in family:
            held = each.held.pop(address, None)
            if held is not None:
                claimed = held.by_number or held.name is not None
                each.returned[address] = (self.now, claimed)
        if taken and address in taken:
            # Released, it is given again to a request that names it.
            assert self.allocator.request_address(pool, AddressRequest(address=address))
            self.allocator.release_address(pool, address)
            holder = next(each for each in family if address in each.prefix)
            holder.returned[address] = (self.now, True)

    @rule(pool=pools, name=st.sampled_from((None, "web")), data=st.data())
    def restart(self, pool: PoolID, name: str | None, data: st.DataObject) -> None:
        """What an engine does with a container, which says its name or nothing."""
        family = self.family(pool)
        mine = [
            (each, address)
            for each in family
            for address, held in each.held.items()
            if held.name == name
        ]
        if not mine:
            return
        known, address = data.draw(st.sampled_from(mine))
        claimed = known.held.pop(address).by_number or name is not None
        self.allocator.release_address(pool, address)
        known.returned[address] = (self.now, claimed)
        self.request_any_address(pool, name)

    @rule(pool=pools, data=st.data())
    def bind(self, pool: PoolID, data: st.DataObject) -> None:
        known = self.model.get(pool)
        twins = [each for each in self.model.values() if known and each.prefix == known.prefix]
        if known is None or not known.held or len(twins) > 1:
            return
        address = data.draw(st.sampled_from(sorted(known.held)))
        self.allocator.bind(LOCAL, known.prefix, address, endpoint=f"at {address}")
        known.held[address].deadline = None
        known.held[address].since = self.now

    @rule(seconds=st.sampled_from([1, 9, 15, 50, 200]))
    def wait_and_collect(self, seconds: int) -> None:
        self.now += seconds
        self.allocator.collect()
        for known in self.model.values():
            for address, held in list(known.held.items()):
                if held.deadline is not None and held.deadline <= self.now:
                    del known.held[address]

    @precondition(lambda self: self.model)
    @rule()
    def reopen(self) -> None:
        self.open()

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        if not hasattr(self, "allocator"):
            return
        pools = {pool.id: pool for pool in self.allocator.pools()}
        assert pools.keys() == self.model.keys()
        for each, known in self.model.items():
            leases = list(self.allocator.leases(each))
            live = {lease.address: lease for lease in leases if lease.state is not State.RESTING}
            assert pools[each].network == known.network
            assert live.keys() == known.held.keys()
            for address, held in known.held.items():
                assert (live[address].state is State.BOUND) == (held.deadline is None)

    def family(self, pool: PoolID) -> list[Known]:
        home = self.model.get(pool)
        if home is None:
            return []
        siblings = [
            each
            for each in self.model.values()
            if each is not home
            and each.network is not None
            and (each.network, each.tenant) == (home.network, home.tenant)
        ]
        return [home, *siblings]

    def returned(self, pool: PoolID) -> list[tuple[IPv4Address, bool]]:
        """What came back in the last seconds, and nobody has again, where a network uses the pool."""
        if pool not in self.model or self.model[pool].network is None:
            return []
        return [
            (address, claimed)
            for each in self.family(pool)
            for address, (then, claimed) in each.returned.items()
            if self.now - then <= RESTART_SECONDS and address not in each.held
        ]

    def hold(self, known: Known, address: IPv4Address, name: str | None) -> None:
        deadline = None if known.network is None else self.now + SETTINGS.reserve_timeout
        known.returned.pop(address, None)
        by_number = address in known.held and known.held[address].by_number
        known.held[address] = Held(name, self.now, deadline, by_number)
