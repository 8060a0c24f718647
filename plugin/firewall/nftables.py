"""The firewall in two nftables tables, changed element by element.

Elements need no owner of their own: the whole table belongs to pynet.
"""

import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from plugin.config import AcceptedMark
from plugin.errors import FirewallError, KernelError
from plugin.firewall import iptables, skeleton
from plugin.firewall.base import Ruleset
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.drop_reasons import REASONS, reason_of
from plugin.firewall.elements import SHAPES, Element
from plugin.firewall.fact_table import elements_of, entries_of, facts_of
from plugin.firewall.user_nat import UserNat
from plugin.log import Log
from plugin.model.facts import Fact
from plugin.model.ids import IfName, Key
from plugin.model.rules import Chain, Prepared, Rule, SetChange, SetEntry

_log: Final = Log("nftables")
_BELIEVED_SECONDS: Final = 600.0
_Chains = dict[Chain, tuple[bytes, ...]]
_Held = tuple[str, tuple[SetEntry, ...]]  # the name of a set, and what it holds


class _Seen:
    """A generation of the ruleset that was looked at, and when.

    The kernel counts a change a moment before it shows the change.  A look in that moment would be
    believed until the next change, so none is believed for long.
    """

    def __init__(self, generation: int | None = None) -> None:
        self._generation = generation
        self._at = time.monotonic()

    def is_still(self, generation: int) -> bool:
        """Whether nothing has changed since."""
        return generation == self._generation and time.monotonic() < self._at + _BELIEVED_SECONDS


@dataclass(frozen=True, slots=True)
class _Facts:
    """What was read last: in which generation of the ruleset, what sets held, and what that means."""

    seen: _Seen = field(default_factory=_Seen)
    held: dict[str, tuple[SetEntry, ...]] = field(default_factory=dict)
    facts: frozenset[Fact] = frozenset()


class NftablesFirewall:
    """Our tables, and the rule that lets what they passed through Docker's."""

    name: str = "nftables"

    def __init__(
        self,
        docker_user: DockerUser,
        mark: int,
        ruleset: Ruleset,
        accepted: AcceptedMark | None = None,
    ) -> None:
        if sys.byteorder != "little":
            raise FirewallError("the rules of pynet are compiled for little-endian machines")
        self._docker_user = docker_user
        self._user_nat = UserNat(mark, ruleset)
        self._tables = skeleton.tables(mark, accepted)
        self._ruleset = ruleset
        self._made: _Chains | None = None  # our chains as they were when they were made last
        self._restored: deque[Rule] = deque()
        self._facts = _Facts()
        self._whole = _Seen()  # the generation of the ruleset that lacked nothing
        self._obeyed: tuple[int, ...] = ()

    def check(self) -> None:
        """What the kernel refuses is found out by asking."""

    def prepare(self, known: Iterable[Fact] = ()) -> Prepared:
        with _as_pynet_errors():
            generation = self._ruleset.generation()
            at_rest = self._whole.is_still(generation) and not self._restored
            if at_rest and iptables.is_native():
                return Prepared(obeyed=self._obeyed)
            self._make_skeleton(known)
        accord = self._docker_user.ensure()
        restored = [self._restored.popleft() for _ in range(len(self._restored))]
        with _as_pynet_errors():
            self._obeyed = self._user_nat.ensure()
        is_whole = not (restored or accord.restored or accord.unserved or self._user_nat.failed)
        self._whole = _Seen(generation if is_whole else None)
        return Prepared(
            restored=(*restored, *accord.restored), unserved=accord.unserved, obeyed=self._obeyed
        )

    def drop_forwarded(self, version: int) -> None:
        self._docker_user.drop_forwarded(version)

    def ensure(self, facts: Sequence[Fact]) -> None:
        with _as_pynet_errors():
            added = _changes_of(facts)
            try:
                self._change(added)
            except KernelError:
                # The table was flushed, or an element has other data: compare all and fix it.
                self._make_skeleton()
                wanted = {each.key: each for fact in facts for each in elements_of(fact)}
                there = self._there(wanted)
                others = [each for key, each in there.items() if each != wanted[key]]
                self._change([*_changes(others, delete=True), *added])

    def remove(self, facts: Sequence[Fact]) -> None:
        with _as_pynet_errors():
            # Added first: that bears absence, and fails for a key with other data, which a
            # deletion would take along.
            added = _changes_of(facts)
            added += _counters(added)
            try:
                self._change([*added, *map(_deleted, added)])
            except KernelError:
                # The table was flushed, or a key has other data and belongs to another fact by now.
                self._make_skeleton()
                elements = [element for fact in facts for element in elements_of(fact)]
                there = self._there({element.key for element in elements})
                same = [each for each in elements if there.get(each.key) == each]
                self._change(list(_changes(same, delete=True)))

    def read(self) -> frozenset[Fact]:
        before = self._facts
        with _as_pynet_errors():
            generation = self._ruleset.generation()
            if before.seen.is_still(generation):
                return before.facts
            held = dict(self._entries(SHAPES))
        same = held == before.held  # nearly always, whatever other programs have changed
        facts = before.facts if same else facts_of(_elements(held.items()))
        self._facts = _Facts(_Seen(generation), held, facts)
        return facts

    def refused(self) -> dict[IfName, int]:
        with _as_pynet_errors():
            found = self._ruleset.entries(skeleton.BRIDGE, skeleton.TABLE, [skeleton.REFUSALS])
        entries = found.get(skeleton.REFUSALS, ())
        return {IfName(e.key.rstrip(b"\0").decode(errors="replace")): e.packets for e in entries}

    def dropped(self) -> dict[str, int]:
        found = dict.fromkeys(REASONS, 0)
        with _as_pynet_errors():
            for family in skeleton.FAMILIES:
                for name, packets in self._ruleset.counts(family, skeleton.TABLE).items():
                    reason = reason_of(name)
                    if reason is not None:
                        found[reason] += packets
        return found

    def close(self) -> None:
        self._ruleset.close()

    def _make_skeleton(self, known: Iterable[Fact] = ()) -> None:
        """Install the skeleton unless it is there; looking takes a tenth of the time of making it.

        Making it each time would also cause an event for every watch, and so another look.
        """
        before = self._look()
        if before and before == self._made:
            return
        self._lay([element for fact in known for element in elements_of(fact)])
        self._made = self._look()
        if before is not None and self._made is not None:
            self._restored.extend(_lacking(before, self._made))

    def _lay(self, known: Sequence[Element]) -> None:
        there = frozenset(self._read(SHAPES)) if known else frozenset()
        keys = {each.key for each in there}
        # After a boot nothing is there, and no container needs them before its network is healed.
        added = [each for each in known if each.key not in keys] if there else []
        try:
            self._ruleset.lay(self._tables, tuple(_changes(added)))
        except KernelError as error:
            # A set or chain of that name is of another kind: of a pynet before this one, or a
            # stranger's.
            _log.warning("tables.replaced", reason=error)
            kept = there or frozenset(self._read(SHAPES))
            try:
                self._ruleset.lay(self._tables, tuple(_changes([*kept, *added])), anew=True)
            except KernelError as worse:
                if not added:
                    raise
                _log.warning("elements.not_added", reason=worse)
                self._ruleset.lay(self._tables, tuple(_changes(kept)), anew=True)

    def _change(self, changes: Sequence[SetChange]) -> None:
        self._ruleset.change(skeleton.TABLE, changes)

    def _there(self, keys: Iterable[Key]) -> dict[Key, Element]:
        """What has one of ``keys``, as it is; costs the size of the sets concerned."""
        wanted = set(keys)
        names = {str(name) for _, name, *_ in wanted}
        return {each.key: each for each in self._read(names) if each.key in wanted}

    def _read(self, names: Iterable[str]) -> Iterator[Element]:
        return _elements(self._entries(names))

    def _entries(self, names: Iterable[str]) -> Iterator[_Held]:
        for family in skeleton.FAMILIES:
            own = [name for name in names if SHAPES[name].family == family]
            yield from self._ruleset.entries(family, skeleton.TABLE, own).items()

    def _look(self) -> _Chains | None:
        """Our chains, with their rules; None if they cannot be seen for all that changes."""
        try:
            return self._chains()
        except KernelError as error:
            _log.warning("rules.not_seen", reason=error)
            return None

    def _chains(self) -> _Chains:
        rules = {
            family: self._ruleset.rules(family, skeleton.TABLE) for family in skeleton.FAMILIES
        }
        return {
            chain: rules[chain.family].get(chain.name, ())
            for chain in self._ruleset.chains()
            if chain.table == skeleton.TABLE and chain.family in rules
        }


@contextmanager
def _as_pynet_errors() -> Iterator[None]:
    try:
        yield
    except KernelError as error:
        raise FirewallError(str(error)) from error


def _elements(held: Iterable[_Held]) -> Iterator[Element]:
    for name, entries in held:
        yield from SHAPES[name].elements(entries)


def _changes_of(facts: Iterable[Fact]) -> list[SetChange]:
    """What adds facts."""
    return list(_by_set(held for fact in facts for held in entries_of(fact)))


def _changes(elements: Iterable[Element], *, delete: bool = False) -> Iterator[SetChange]:
    held = ((each.set_name, SHAPES[each.set_name].entries(each)) for each in elements)
    return _by_set(held, delete=delete)


def _by_set(
    held: Iterable[tuple[str, Sequence[SetEntry]]], *, delete: bool = False
) -> Iterator[SetChange]:
    """One for each set."""
    by_name: dict[str, list[SetEntry]] = {}
    for name, entries in held:
        by_name.setdefault(name, []).extend(entries)
    for name, found in by_name.items():
        family = SHAPES[name].family
        yield SetChange(family=family, name=name, entries=tuple(found), delete=delete)


def _deleted(added: SetChange) -> SetChange:
    """The opposite; dataclasses.replace takes four times as long."""
    return SetChange(family=added.family, name=added.name, entries=added.entries, delete=True)


def _counters(removed: Iterable[SetChange]) -> list[SetChange]:
    """What packets have left of ports that are guarded no more."""
    return [
        SetChange(family=each.family, name=skeleton.REFUSALS, entries=each.entries)
        for each in removed
        if each.name == skeleton.GUARDED
    ]


def _lacking(before: _Chains, after: _Chains) -> list[Rule]:
    """What of ``after`` was not there; one for a chain that only had other things, too."""
    found = []
    for chain, rules in after.items():
        known = before.get(chain)
        if known != rules:
            rule = Rule(table=f"{chain.family} {chain.table}", chain=chain.name)
            found += [rule] * ((Counter(rules) - Counter(known or ())).total() or 1)
    return found
