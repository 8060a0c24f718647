"""Machines of one cluster that share a pool, and all that may happen to them and between them."""

import random
from collections import Counter
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Final

from ipam.blocks.admission import admit, attend, forget
from ipam.blocks.base import NotAdmittedError, UnavailableError, UnknownOutcomeError
from ipam.blocks.kept import free_all_kept, give_up, keep
from ipam.blocks.keys import KEPT
from ipam.blocks.ownership import Blocks
from ipam.errors import InvalidAddressError, PoolFullError, RefusedError
from ipam.prefixes import Address
from tests.fakes.faults import CrashError
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState, at_random

POOL: Final = ip_network("10.50.0.0/23")  # eight blocks for five hosts
HOSTS: Final = 5
COPIES: Final = 4
TROUBLE: Final = 0.15


class Machine:
    """One machine: a disk, perhaps a boot, perhaps a process that was admitted, and what is in use."""

    def __init__(self, life: "Life", name: str, ledger: FakeLedger | None = None) -> None:
        self.life = life
        self.name = name
        self.boot = ""
        self.cut_off = False
        self.blocks: Blocks | None = None
        self.saved: FakeLedger | None = None
        self.used: set[Address] = set()
        self.ledger = ledger.copied(self.crashes) if ledger else FakeLedger(self.crashes)

    @property
    def registry(self) -> FakeRegistry:
        return FakeRegistry(self.life.registry, (self, self.boot), self.fate)

    def fate(self) -> Fate | None:
        self.life.go_on_beside(self)
        return None if self.cut_off else at_random(self.life.chance, TROUBLE)

    def crashes(self) -> int:
        return self.life.chance.choice((1, 2)) if self.life.chance.random() < TROUBLE / 4 else 0

    def power_on(self) -> None:
        self.boot = self.boot or f"boot{self.life.number()}"

    def power_off(self) -> None:
        """Containers, and the process, are gone with the machine."""
        self.boot = ""
        self.blocks = None
        self.used.clear()

    def start(self) -> None:
        if self.boot and self.blocks is None:
            before = self.ledger.identity()
            instance = f"instance{self.life.number()}"
            identity = admit(
                self.registry, self.ledger, host=self.name, boot=self.boot, instance=instance
            )
            self.blocks = Blocks(self.registry, self.ledger, identity)
            if before == identity:
                self.blocks.find_again(POOL)
                free_all_kept(self.registry)
            self.life.seen["admitted"] += 1

    def show(self) -> None:
        if self.blocks is not None and (identity := self.ledger.identity()) is not None:
            try:
                attend(self.registry, identity)
            except NotAdmittedError:
                self.blocks = None  # pynet gives nothing more; what is in use stays
                raise

    def give(self) -> None:
        """A container starts: from a block that is owned, and else from one more."""
        if self.blocks is None:
            return
        free = [
            address
            for block in self.blocks.owned(POOL)
            for address in block
            if address not in self.used
        ]
        if free:
            self.used.add(self.life.chance.choice(free))
            self.life.seen["given"] += 1
        else:
            self.blocks.claim(POOL)
            self.life.seen["claimed"] += 1

    def give_this(self) -> None:
        """A container starts with an address that was asked for."""
        if self.blocks is not None:
            address = POOL[self.life.chance.randrange(POOL.num_addresses)]
            self.blocks.claim(POOL, address)
            self.used.add(address)
            self.life.seen["asked for"] += 1

    def take_back(self) -> None:
        if self.used:
            self.used.discard(self.life.chance.choice(sorted(self.used)))

    def give_back(self) -> None:
        """An empty block goes to the next host that claims one."""
        if self.blocks is None or not (owned := self.blocks.owned(POOL)):
            return
        block = self.life.chance.choice(owned)
        self.used = {address for address in self.used if address not in block}
        self.blocks.give_back(POOL, block)
        self.life.seen["given back"] += 1

    def keep(self) -> None:
        """An address is kept for an owner on all hosts: no host has its block from then on."""
        identity = self.ledger.identity()
        if self.blocks is not None and identity is not None:
            address = POOL[self.life.chance.randrange(POOL.num_addresses)]
            try:
                keep(self.registry, identity, POOL, address, "name=web")
            except InvalidAddressError:
                return  # a host has it
            self.life.seen["kept"] += 1

    def give_up(self) -> None:
        """One is kept no longer."""
        kept = [key for key in self.life.registry.keys if key.startswith(KEPT)]
        if kept:
            address = ip_address(self.life.chance.choice(sorted(kept)).rpartition("/")[2])
            self.life.seen["kept no longer"] += give_up(self.registry, POOL, address)

    def give_kept(self) -> None:
        """The owner of one starts, perhaps as the one before it ends elsewhere."""
        kept = [key for key in self.life.registry.keys if key.startswith(KEPT)]
        if self.blocks is not None and kept:
            address = ip_address(self.life.chance.choice(sorted(kept)).rpartition("/")[2])
            self.blocks.claim(POOL, address)
            self.used.add(address)
            self.life.seen["kept one given"] += 1

    def end_process(self) -> None:
        self.blocks = None

    def cut(self) -> None:
        self.cut_off = not self.cut_off

    def lose_state(self) -> None:
        if not self.boot:
            self.ledger = FakeLedger(self.crashes)

    def save(self) -> None:
        self.saved = self.ledger.copied(self.crashes)

    def restore(self) -> None:
        """A backup takes the place of the ledger, while containers run."""
        if self.saved is not None:
            self.end_process()
            self.ledger = self.saved.copied(self.crashes)
            if self.ledger.known is not None:
                self.ledger.known = replace(self.ledger.known, boot="")
            self.life.seen["restored"] += 1

    def copy(self) -> None:
        """Another machine with the same name and disk, not yet on."""
        machines = self.life.machines
        if len(machines) >= HOSTS + COPIES:
            gone = [each for each in machines if not each.boot and each not in self.life.busy]
            if not gone:
                return
            machines.remove(self.life.chance.choice(gone))
        machines.append(Machine(self.life, self.name, self.ledger))

    def forget(self) -> None:
        forget(self.registry, self.name)
        self.life.seen["forgotten"] += 1


COMMON: Final = (Machine.power_on, Machine.start, Machine.start, Machine.show)
USE: Final = (
    *((Machine.give,) * 12),
    *((Machine.take_back,) * 4),
    *(Machine.give_this, Machine.keep, *((Machine.give_kept,) * 4)),
)
RARE: Final = (
    *(
        Machine.give_up,
        Machine.give_up,
        Machine.give_back,
        Machine.give_back,
        Machine.end_process,
        Machine.power_off,
        Machine.cut,
        Machine.cut,
    ),
    *(Machine.lose_state, Machine.copy, Machine.forget, Machine.save, Machine.restore),
)


class Life:
    """All of it, from one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.registry = RegistryState()
        self.machines = [Machine(self, f"host{number}") for number in range(HOSTS)]
        self.seen: Counter[str] = Counter()
        self._number = 0
        self.busy: list[Machine] = []

    def number(self) -> int:
        self._number += 1
        return self._number

    def go_on_beside(self, busy: Machine) -> None:
        """Between what one machine reads and what it writes others may do anything."""
        if len(self.busy) < 3 and self.chance.random() < 0.3:
            self.busy.append(busy)
            self.step()
            self.busy.pop()

    def step(self) -> None:
        machine = self.chance.choice([each for each in self.machines if each not in self.busy])
        deed = self.chance.choice(self.chance.choices((COMMON, USE, RARE), (8, 16, 1))[0])
        try:
            deed(machine)
        except CrashError:
            machine.end_process()
            self.seen["crashed"] += 1
        except NotAdmittedError:
            self.seen["not admitted"] += 1
        except UnknownOutcomeError:
            self.seen["unknown"] += 1
        except UnavailableError:
            self.seen["unavailable"] += 1
        except PoolFullError:
            self.seen["full"] += 1
        except RefusedError as error:
            raise AssertionError(f"an unexpected refusal: {error}") from error
        if self.registry.late and self.chance.random() < 0.1:
            self.registry.late.pop(self.chance.randrange(len(self.registry.late)))()
        if self.chance.random() < 0.05:
            self.registry.lapse(_is_over)

    def check(self) -> None:
        users: dict[Address, Machine] = {}
        for machine in self.machines:
            for address in machine.used:
                assert address not in users, (
                    f"{address} is in use on {machine.name} in {machine.boot}, "
                    f"and on {users[address].name} in {users[address].boot}"
                )
                users[address] = machine


def _is_over(holder: object) -> bool:
    """A session lasts while its machine has the same boot."""
    assert isinstance(holder, tuple)
    machine, boot = holder
    assert isinstance(machine, Machine)
    return machine.boot != boot
