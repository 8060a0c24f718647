"""Read the tables of nftables from what ``nft -j list ruleset`` prints."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from plugin.trace.ruleset import ACCEPT, Chain, Rule, Table
from plugin.trace.sets import NamedSet

_TABLES: Final = ("filter", "nat", "mangle", "raw", "security")
_CHAINS: Final = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_FAMILIES: Final = ("ip", "ip6", "inet", "bridge")
# A base chain may have its priority by name in newer versions of nft (nft(8), Table 6 and 7).
_PRIORITIES: Final = {
    "raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100, "out": 100,
}  # fmt: skip

Key = tuple[str, str, bool]


def tables(text: str) -> dict[Key, Table]:
    """Every table by its family and name.  Raises ValueError for what is not nft's JSON."""
    listed = msgspec.json.decode(text).get("nftables", [])
    rules = _rules(listed)
    found: dict[Key, Table] = defaultdict(Table)
    for each in listed:
        ((kind, body),) = each.items()
        if body.get("family") not in _FAMILIES:
            continue
        if kind == "chain":
            chain = _chain(body, rules)
            found[body["family"], body["table"], False].chains[chain.name] = chain
        elif kind in ("set", "map"):
            named = NamedSet(body.get("elem", []), is_map=kind == "map")
            found[body["family"], body["table"], False].sets[body["name"]] = named
    return dict(found)


def is_of_iptables(key: Key, table: Table) -> bool:
    """Whether the table is one that ``iptables-nft`` keeps, and shows better than nft does."""
    family, name, _ = key
    bases = [chain.name for chain in table.chains.values() if chain.hook]
    return family in ("ip", "ip6") and name in _TABLES and set(bases) <= set(_CHAINS)


def _rules(listed: Iterable[Any]) -> Mapping[tuple[str, str, str], list[Rule]]:
    found = defaultdict(list)
    for each in listed:
        if "rule" in each:
            body = each["rule"]
            rule = Rule(
                statements=[s for s in body["expr"] if not _is_comment(s)],
                handle=body.get("handle", 0),
            )
            found[body["family"], body["table"], body["chain"]].append(rule)
    return found


def _is_comment(statement: Any) -> bool:
    extension = statement.get("xt") if isinstance(statement, dict) else None
    return isinstance(extension, dict) and extension.get("name") == "comment"


def _chain(body: Any, rules: Mapping[tuple[str, str, str], list[Rule]]) -> Chain:
    priority = body.get("prio", 0)
    return Chain(
        family=body["family"],
        table=body["table"],
        name=body["name"],
        rules=rules.get((body["family"], body["table"], body["name"]), ()),
        kind=body.get("type", ""),
        hook=body.get("hook", ""),
        priority=priority if isinstance(priority, int) else _PRIORITIES.get(priority, 0),
        policy=body.get("policy", ACCEPT),
    )
