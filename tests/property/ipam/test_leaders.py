"""Managers that lead a swarm in turn: no address twice, and none lost.

What the managers agreed on is the model: the pool's gateway, and the addresses in use.  Each manager has
a store of its own, and is told of addresses while it leads only.
"""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ipam.errors import PoolFullError, PoolInUseError, PoolOverlapError
from ipam.lease import Kind, State
from ipam.pool import GLOBAL, Pool
from ipam.prefixes import parse_prefix
from tests.property.effort import effort
from tests.unit.ipam.conftest import PLAIN, World

OTHER = "z" * 25
SUBNET = "10.9.0.0/28"
GATEWAY = "10.9.0.1"
SIZE = 13  # without the network's address, the broadcast address and the gateway
managers = st.integers(0, 2)


class SwarmMachine(RuleBasedStateMachine):
    """Three managers, of which one leads."""

    @initialize(quarantine=st.sampled_from((0.0, 60.0)))
    def begin(self, quarantine: float) -> None:
        settings = replace(PLAIN, quarantine=quarantine)
        self.worlds = [World(settings=settings) for _ in range(3)]
        self.in_use: set[str] = set()
        self.leader = self.number = 0
        self.worlds[0].allocator.elected()
        self.pool = self.allocate(self.worlds[0], again=False)

    @property
    def network(self) -> str:
        return f"{self.number:025}"

    def allocate(self, world: World, *, again: bool) -> Pool:
        """As a manager does that leads."""
        pool = world.pool(SUBNET, space=GLOBAL)
        assert world.take(pool, kind=Kind.GATEWAY) == GATEWAY
        world.allocator.group(self.network, GLOBAL, [parse_prefix(SUBNET)], again=again)
        return pool

    def lead(self, manager: int) -> Pool:
        """As a new leader does: everything that was agreed on, before anything new."""
        self.leader = manager
        self.pass_time(1)
        world = self.worlds[manager]
        world.allocator.elected()
        self.pass_time(1)
        pool = self.allocate(world, again=True)
        for address in sorted(self.in_use):
            assert world.take(pool, address) == address
        return pool

    def pass_time(self, seconds: float) -> None:
        for world in self.worlds:
            world.now += seconds

    @rule(manager=managers)
    def elect(self, manager: int) -> None:
        """The leader ends, or another takes over; or the same leads again."""
        self.pool = self.lead(manager)

    @rule(manager=managers)
    def elect_and_start(self, manager: int) -> None:
        """What the leader holds then is what is in use, and no more."""
        self.elect(manager)
        self.start()

        assert self.held(manager) == self.in_use

    @rule(manager=managers)
    def kill_engine(self, manager: int) -> None:
        """It starts again; if it led, the next manager does."""
        world = self.worlds[manager]
        world.restart()
        world.allocator.restarted()
        if manager == self.leader:
            self.pool = self.lead((manager + 1) % 3)

    @rule(manager=managers)
    def restart_plugin(self, manager: int) -> None:
        self.worlds[manager].restart()

    @rule()
    def start(self) -> None:
        """A task gets any address, while there is one."""
        try:
            address = self.worlds[self.leader].take(self.pool)
        except PoolFullError:
            assert self.held(self.leader) >= self.in_use
            assert len(self.held(self.leader)) == SIZE
            return
        assert address not in self.in_use
        assert address != GATEWAY
        self.in_use.add(address)

    @precondition(lambda self: self.in_use)
    @rule(number=st.integers(0, SIZE))
    def end(self, number: int) -> None:
        """A task gives its address back, to the leader of that moment."""
        address = sorted(self.in_use)[number % len(self.in_use)]
        self.in_use.remove(address)
        self.worlds[self.leader].give(self.pool, address)

    @rule()
    def create_another_with_the_subnet(self) -> None:
        """It is refused, at whichever call, and what swarm undoes then is the first one's no more."""
        world = self.worlds[self.leader]
        before = world.everything()
        try:
            world.pool(SUBNET, space=GLOBAL)
        except PoolOverlapError:
            return
        world.take(self.pool, kind=Kind.GATEWAY)
        with pytest.raises(PoolInUseError):
            world.allocator.group(OTHER, GLOBAL, [parse_prefix(SUBNET)])
        world.give(self.pool, GATEWAY)
        world.allocator.release_pool(self.pool.id)

        assert world.everything() == before

    @rule(manager=managers)
    def replace_network(self, manager: int) -> None:
        """Another one gets its subnet, of another leader: some managers are not told that it is gone."""
        world = self.worlds[self.leader]
        world.allocator.free(self.network)
        for address in (*self.in_use, GATEWAY):
            world.give(self.pool, address)
        world.allocator.release_pool(self.pool.id)
        self.in_use.clear()
        self.pass_time(30)
        self.leader = manager
        self.worlds[manager].allocator.elected()
        self.pass_time(60)
        self.number += 1
        self.pool = self.allocate(self.worlds[manager], again=False)

    @rule(seconds=st.sampled_from((1.0, 120.0)))
    def wait(self, seconds: float) -> None:
        self.pass_time(seconds)
        for world in self.worlds:
            world.allocator.collect()

    @invariant()
    def the_leader_holds_what_is_in_use(self) -> None:
        if hasattr(self, "worlds"):
            assert self.held(self.leader) >= self.in_use

    def held(self, manager: int) -> set[str]:
        """What it would give to nobody else."""
        leases = self.worlds[manager].allocator.leases(self.pool.id)
        return {
            str(each.address)
            for each in leases
            if each.state is not State.RESTING and each.address != IPv4Address(GATEWAY)
        }


TestLeaders = SwarmMachine.TestCase
TestLeaders.settings = effort(250, steps=40)
