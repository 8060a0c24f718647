"""What one chain says of a packet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from plugin.errors import HostError
from plugin.trace.expressions import ABSENT, UNKNOWN, Fib, Special, value_of
from plugin.trace.packet import UNTRACKED, IPAddress, Packet
from plugin.trace.ruleset import (
    ACCEPT,
    DROP,
    REJECT,
    UNREADABLE,
    Chain,
    Rule,
    Ruleset,
    Table,
    counter_of,
)
from plugin.trace.sets import NamedSet, holds

CONTINUE: Final = "continue"
RETURN: Final = "return"
_FINAL: Final = (ACCEPT, DROP, REJECT)
# What is read at all hooks takes some seconds.  The largest hosts have some 50,000 rules, or elements of a set.
_MOST_RULES: Final = 200_000
_RULE: Final = 10  # elements of a set that are compared one by one, in the time of a rule
_DEEPEST: Final = 16  # net/netfilter/nf_tables_core.c, NFT_JUMP_STACK_SIZE
# Statements that decide nothing about this packet.
_NEUTRAL: Final = frozenset(
    {"counter", "log", "limit", "quota", "comment", "set", "map", "ct helper", "ct timeout"}
    | {"ct expectation", "meter", "flow", "last", "dup", "synproxy"}
)
_MARK_BITS: Final = 0xFFFF_FFFF
_NAT: Final = ("dnat", "snat", "masquerade", "redirect")


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """Another address or port; neither is the address of the link that a packet leaves or came by."""

    kind: str
    address: IPAddress | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A rule that may match: what it would do, and why it cannot be told."""

    chain: Chain
    rule: Rule
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What a base chain decided, by which rule; by none if it was the policy."""

    verdict: str
    chain: Chain
    rule: Rule | None = None
    translation: Translation | None = None
    doubts: tuple[Doubt, ...] = ()


class Judge:
    """Goes through the rules of one base chain with a packet, whose mark they may change.

    A container makes rules of its own, and few chains with many jumps are a way without an end, as
    are few rules with large sets: all that one judge reads is bounded.
    """

    def __init__(self, ruleset: Ruleset, fib: Fib) -> None:
        self._ruleset = ruleset
        self._fib = fib
        self._doubts: list[Doubt] = []
        self._left = _MOST_RULES * _RULE
        self._translation: Translation | None = None

    def judge(self, base: Chain, packet: Packet) -> Ruling:
        """What the chain decides; the policy if none of its rules does.  Raises HostError."""
        self._doubts, self._translation, self._chain = [], None, base
        verdict, rule, chain = self._walk(base, packet, 0)
        if verdict not in _FINAL:
            verdict, rule, chain = base.policy, None, base
        return Ruling(
            verdict=verdict,
            chain=chain,
            rule=rule,
            translation=self._translation,
            doubts=tuple(self._doubts),
        )

    def _walk(self, chain: Chain, packet: Packet, depth: int) -> tuple[str, Rule | None, Chain]:
        table = self._ruleset.table_of(chain)
        for rule in chain.rules:
            self._chain = chain
            self._spend(_RULE)
            outcome, target = self._apply(rule, chain, table, packet)
            if outcome in _FINAL:
                return outcome, rule, chain
            if outcome == RETURN:
                break
            if target is None or depth >= _DEEPEST or target not in table.chains:
                continue
            found = self._walk(table.chains[target], packet, depth + 1)
            if found[0] in _FINAL:
                # A chain that only drops has many ways in: which one tells why.
                if _tells_why(rule) and not _tells_why(found[1]):
                    return found[0], rule, chain
                return found
            if outcome == "goto":
                break
        return CONTINUE, None, chain

    def _spend(self, elements: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise HostError(
                f"a packet passes more than {_MOST_RULES} rules, or large sets, up to {self._chain}, which "
                f"is more than a trace reads; see why that chain is entered so often"
            )

    def _apply(
        self, rule: Rule, chain: Chain, table: Table, packet: Packet
    ) -> tuple[str, str | None]:
        """The outcome of a rule: a verdict, or ``jump`` or ``goto`` with the chain."""
        unsure = False
        for position, statement in enumerate(rule.statements):
            ((kind, body),) = (
                statement.items() if isinstance(statement, dict) else ((statement, 0),)
            )
            if kind == "match":
                matches = self._matches(body, table, packet)
                if matches is False:
                    return CONTINUE, None
                unsure = unsure or matches is not True
            elif kind in (UNREADABLE, "xt"):
                unsure = True
            elif kind in _NEUTRAL:
                continue
            elif unsure:
                self._note(rule, chain, rule.statements[position:])
                return CONTINUE, None
            else:
                outcome, target = self._act(kind, body, table, packet, rule, chain)
                if outcome != CONTINUE or target is not None:
                    return outcome, target
        return CONTINUE, None

    def _matches(self, body: Any, table: Table, packet: Packet) -> bool | Special:
        value = value_of(body["left"], packet, self._fib)
        right = body["right"]
        if isinstance(right, dict) and ("&" in right or "meta" in right or "payload" in right):
            right = value_of(right, packet, self._fib)
        return holds(value, body.get("op", "=="), right, table.sets, self._spend)

    def _act(
        self, kind: str, body: Any, table: Table, packet: Packet, rule: Rule, chain: Chain
    ) -> tuple[str, str | None]:
        if kind in (*_FINAL, CONTINUE, RETURN):
            return kind, None
        if kind in ("jump", "goto"):
            return kind, body["target"]
        if kind == "vmap":
            return self._looked_up(body, table, packet, rule, chain)
        if kind in _NAT:
            return self._translated(kind, body, table, packet, rule, chain)
        if kind == "notrack":
            packet.state = UNTRACKED
        elif kind == "mangle":
            self._set(body, packet, rule, chain)
        else:
            self._note(rule, chain, [{kind: body}])
        return CONTINUE, None

    def _looked_up(
        self, body: Any, table: Table, packet: Packet, rule: Rule, chain: Chain
    ) -> tuple[str, str | None]:
        data = self._data(body["key"], body["data"], table, packet)
        if data is UNKNOWN:
            self._note(rule, chain, [{"vmap": body}])
        if not isinstance(data, dict):
            return CONTINUE, None
        ((kind, target),) = data.items()
        return kind, target["target"] if isinstance(target, dict) else None

    def _data(self, key: Any, data: Any, table: Table, packet: Packet) -> Any:
        if isinstance(data, str):
            named = table.sets.get(data.removeprefix("@"))
        else:
            elements = data.get("set", [])
            self._spend(len(elements))
            named = NamedSet(elements, is_map=True)
        value = value_of(key, packet, self._fib)
        return UNKNOWN if named is None else named.find(value, self._spend)

    def _translated(
        self, kind: str, body: Any, table: Table, packet: Packet, rule: Rule, chain: Chain
    ) -> tuple[str, str | None]:
        given = body or {}
        address, port = given.get("addr"), given.get("port")
        if given.get("family") not in (None, {4: "ip", 6: "ip6"}[packet.version]):
            return CONTINUE, None
        if isinstance(address, dict) and "map" in address:
            address = self._data(address["map"]["key"], address["map"]["data"], table, packet)
            if address is None or address is ABSENT:
                return CONTINUE, None
        if isinstance(address, tuple):
            address, port = address
        try:
            self._translation = Translation(
                kind=kind,
                address=None if address is None else ip_address(str(address)),
                port=port if isinstance(port, int) else None,
            )
        except ValueError:
            self._note(rule, chain, [{kind: body}])
            return CONTINUE, None
        return ACCEPT, None

    def _set(self, body: Any, packet: Packet, rule: Rule, chain: Chain) -> None:
        if body["key"] != {"meta": {"key": "mark"}}:
            return  # another field than rules of routes and filters read
        value = body["value"]
        mark = value if isinstance(value, int) else value_of(value, packet, self._fib)
        if isinstance(mark, int):
            packet.mark = mark & _MARK_BITS
        else:
            self._note(rule, chain, [{"mangle": body}])

    def _note(self, rule: Rule, chain: Chain, rest: Sequence[Any]) -> None:
        """Remember what a rule might have done, unless that is nothing."""
        outcomes = list(_outcomes(rest))
        if outcomes:
            self._doubts.append(Doubt(chain=chain, rule=rule, outcome=outcomes[0]))


def _tells_why(rule: Rule | None) -> bool:
    if rule is None or counter_of(rule) is not None:
        return True
    return any("match" in each for each in rule.statements if isinstance(each, dict))


def _outcomes(rest: Sequence[Any]) -> Iterator[str]:
    for statement in rest:
        kind = next(iter(statement)) if isinstance(statement, dict) else str(statement)
        if kind not in _NEUTRAL:
            yield kind
