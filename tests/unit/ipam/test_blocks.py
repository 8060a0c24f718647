"""Blocks of a pool that hosts share, and who may use them after what."""

from dataclasses import replace

import pytest

from ipam.blocks.admission import admit, forget
from ipam.blocks.base import NotAdmittedError, UnavailableError
from ipam.blocks.keys import block_key, block_of
from ipam.blocks.layout import block_length
from ipam.blocks.ownership import Blocks
from ipam.prefixes import parse_prefix
from tests.fakes.registry import FakeLedger, FakeRegistry, Fate, RegistryState

POOL = parse_prefix("10.50.0.0/16")


class Shared:
    """A registry that several hosts speak to, and that can be away."""

    def __init__(self) -> None:
        self.state = RegistryState()
        self.fate: Fate | None = Fate.DONE
        self.registry = FakeRegistry(self.state, "host", lambda: self.fate)

    def start(self, ledger: FakeLedger, boot: str) -> Blocks:
        identity = admit(self.registry, ledger, host="one", boot=boot, instance=f"of-{boot}")
        return Blocks(self.registry, ledger, identity)

    def end_sessions(self) -> None:
        self.state.lapse(lambda _: True)


@pytest.fixture
def shared() -> Shared:
    """A registry with nothing in it."""
    return Shared()


@pytest.mark.parametrize(
    ("pool", "length"),
    [
        ("10.50.0.0/16", 26),
        ("10.50.0.0/24", 26),
        ("10.50.0.0/25", 27),
        ("10.50.0.0/31", 32),
        ("10.50.0.1/32", 32),
        ("fd00::/64", 112),
        ("fd00::/112", 114),
    ],
)
def test_how_long_blocks_are(pool: str, length: int) -> None:
    """64 addresses, 65,536 of IPv6, and a quarter of a pool at most, as far as it goes."""
    assert block_length(parse_prefix(pool)) == length


@pytest.mark.parametrize("block", ["10.50.3.64/26", "fd00::1:0/112"])
def test_a_key_leads_back_to_its_block(block: str) -> None:
    """Whatever slashes and colons a prefix has."""
    assert block_of(block_key(POOL, parse_prefix(block))) == parse_prefix(block)


def test_a_restart_needs_no_registry(shared: Shared) -> None:
    """In the boot that was admitted, what is owned can be used; one more block cannot be had."""
    ledger = FakeLedger()
    block = shared.start(ledger, "boot1").claim(POOL)
    shared.fate = None

    again = shared.start(ledger, "boot1")

    assert again.owned(POOL) == [block]
    with pytest.raises(UnavailableError):
        again.claim(POOL)


def test_a_boot_needs_the_registry(shared: Shared) -> None:
    """It might be a copy; then its blocks are its own as before."""
    ledger = FakeLedger()
    block = shared.start(ledger, "boot1").claim(POOL)
    shared.end_sessions()
    shared.fate = None
    with pytest.raises(UnavailableError):
        shared.start(ledger, "boot2")
    shared.fate = Fate.DONE

    assert shared.start(ledger, "boot2").owned(POOL) == [block]


def test_an_older_ledger_loses_what_was_given_back(shared: Shared) -> None:
    """It was copied or restored, and the block may be another host's by now."""
    ledger = FakeLedger()
    first = shared.start(ledger, "boot1")
    kept, gone = first.claim(POOL), first.claim(POOL)
    older = ledger.copied(lambda: 0)
    first.give_back(POOL, gone)
    shared.end_sessions()

    assert shared.start(older, "boot2").owned(POOL) == [kept]


def test_what_was_being_given_back(shared: Shared) -> None:
    """A process ended in between: it is the host's again if that has the pool still, and free after a boot."""
    ledger = FakeLedger()
    first = shared.start(ledger, "boot1")
    kept, unfinished = first.claim(POOL), first.claim(POOL)
    ledger.drop(POOL, unfinished)
    again = shared.start(ledger, "boot1")
    again.find_again(POOL)
    assert again.owned(POOL) == [kept, unfinished]

    ledger.drop(POOL, unfinished)
    shared.end_sessions()
    shared.start(ledger, "boot2")
    assert [key for key in shared.state.keys if "blocks/" in key] == [block_key(POOL, kept)]


def test_what_an_older_ledger_does_not_have(shared: Shared) -> None:
    """It was restored while containers run: what is claimed since is given to no other host."""
    ledger = FakeLedger()
    first = shared.start(ledger, "boot1")
    first.claim(POOL)
    older = ledger.copied(lambda: 0)
    later = first.claim(POOL)
    assert older.known is not None
    older.known = replace(older.known, boot="")
    shared.end_sessions()
    shared.start(older, "boot1")

    assert block_key(POOL, later) in shared.state.keys


def test_who_was_copied_and_comes_second_is_refused(shared: Shared) -> None:
    """The copy has booted while the original was off: only one may go on."""
    ledger = FakeLedger()
    shared.start(ledger, "boot1")
    copy = ledger.copied(lambda: 0)
    shared.end_sessions()
    shared.start(copy, "boot2")
    shared.end_sessions()

    with pytest.raises(NotAdmittedError, match="a copy of host one has run since"):
        shared.start(ledger, "boot3")


def test_a_forgotten_host_begins_anew_with_its_next_boot(shared: Shared) -> None:
    """Until then its containers may have addresses that are another's."""
    ledger = FakeLedger()
    owner = shared.start(ledger, "boot1")
    owner.claim(POOL)
    shared.end_sessions()

    assert forget(shared.registry, "one") == 1
    with pytest.raises(NotAdmittedError, match="forgotten"):
        owner.claim(POOL)
    assert shared.start(ledger, "boot2").owned(POOL) == []
