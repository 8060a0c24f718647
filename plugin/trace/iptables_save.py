"""Read the tables of iptables from what ``iptables-save`` prints, as statements of nft.

nft shows the extensions of iptables by their names alone.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from plugin.trace.iptables_matches import MATCHES, STATES
from plugin.trace.ruleset import ACCEPT, UNREADABLE, Chain, Rule, Table

# include/uapi/linux/netfilter_ipv4.h; nat has two, by the hook.
_PRIORITIES: Final = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT: Final = {"INPUT": 100, "POSTROUTING": 100}
_SIMPLE: Final = {
    "ACCEPT": "accept",
    "DROP": "drop",
    "REJECT": "reject",
    "RETURN": "return",
    "NOTRACK": "notrack",
    "MASQUERADE": "masquerade",
}
# Targets that neither decide nor translate.
_NEUTRAL: Final = frozenset(
    {"LOG", "NFLOG", "TRACE", "TCPMSS", "CHECKSUM", "TOS", "DSCP", "SET", "CLASSIFY", "CONNMARK"}
    | {"ECN", "TTL", "HL", "AUDIT", "SECMARK", "CONNSECMARK", "RATEEST", "IDLETIMER", "LED"}
)
# Options of matches that are true of a first packet, or are themselves no condition.
_TRUE: Final = frozenset({"--comment", "--limit", "--limit-burst"})
# Matches of IPv6's extension headers: none is true of a packet without that header, negated or not.
_HEADERS: Final = frozenset({"rt", "frag", "hbh", "dst", "ah", "mh"})
_BEGIN: Final = re.compile(r"\*\w|:\S.* \S+ \S+$|-A \S|COMMIT$|#")
_KNOWN: Final = (*MATCHES, "--tcp-flags")  # options of one argument


def tables(text: str, version: int, suffix: str = "") -> dict[tuple[str, str, bool], Table]:
    """The tables of one family of addresses; a suffix distinguishes those of the legacy kernel."""
    family = "ip6" if version == 6 else "ip"
    found: dict[tuple[str, str, bool], Table] = {}
    name = ""
    rules: dict[str, list[Rule]] = {}
    heads: dict[str, str] = {}
    for line in _lines(text):
        if line.startswith("*"):
            name, rules, heads = line[1:].strip(), {}, {}
        elif line.startswith(":"):
            chain, policy, _ = line[1:].rsplit(" ", 2)
            heads[chain], rules[chain] = policy, []
        elif line.startswith("-A "):
            rules.setdefault(line.split()[1], []).append(_rule(line, version))
        elif line.startswith("COMMIT"):
            chains = {
                c: _chain(family, name, c, heads.get(c, "-"), rules[c], suffix) for c in rules
            }
            found[family, name + suffix, True] = Table(chains=chains)
    return found


def _chain(
    family: str, table: str, name: str, policy: str, rules: list[Rule], suffix: str
) -> Chain:
    base = policy != "-"
    priority = _PRIORITIES.get(table, 0)
    if table == "nat":
        priority = _SOURCE_NAT.get(name, priority)
    return Chain(
        family=family,
        table=table + suffix,
        name=name,
        rules=rules,
        kind=("nat" if table == "nat" else "filter") if base else "",
        hook=name.lower() if base else "",
        priority=priority,
        policy=policy.lower() if base else ACCEPT,
        iptables=True,
    )


def _lines(text: str) -> Iterator[str]:
    """Whole lines: a comment may have line breaks, which are printed as they are."""
    whole = ""
    for line in text.split("\n"):
        if _BEGIN.match(line):
            yield whole
            whole = line
        else:
            whole += f"\n{line}" if line else ""
    yield whole


def _rule(text: str, version: int) -> Rule:
    try:
        words = shlex.split(text)[2:]
        return Rule(statements=list(_Reader(words, version).statements()), text=text)
    except ValueError:
        # A part of a rule: it may do anything.
        return Rule(statements=[{UNREADABLE: text}, {"anything": None}], text=text)


class _Reader:
    """One rule's options, in their order."""

    def __init__(self, words: list[str], version: int) -> None:
        self._words = words
        self._version = version
        self._at = 0
        self._extension = ""

    def statements(self) -> list[Any]:
        found: list[Any] = []
        while self._at < len(self._words):
            negated = self._take_if("!")
            option = self._take()
            if option in ("-j", "-g"):
                found += self._target(option)
                break
            if option == "-m":
                self._extension = self._take()
                if self._extension in _HEADERS:
                    left = {"exthdr": {"name": self._extension}}
                    found.append({"match": {"op": "==", "left": left, "right": True}})
                continue
            if option in _TRUE:
                self._take()
                continue
            argument = self._take() if option in _KNOWN else self._arguments()
            found += self._matches(option, argument, "!=" if negated else "==")
        return found

    def _matches(self, option: str, argument: str, operator: str) -> list[Any]:
        if option in ("--limit-iface-in", "--limit-iface-out"):
            return []
        if option == "--ctstate" and not set(argument.split(",")) <= set(STATES):
            return [{UNREADABLE: f"{option} {argument}"}]
        if option == "--tcp-flags":
            return self._tcp_flags(argument, self._take(), operator)
        reader = MATCHES.get(option)
        found = None if reader is None else reader(argument, self._version)
        if found is None or (option == "--mark" and self._extension == "connmark"):
            return [{UNREADABLE: f"{option} {argument}".strip()}]
        left, right = found
        return [{"match": {"op": operator, "left": left, "right": right}}]

    def _tcp_flags(self, mask: str, flags: str, operator: str) -> list[Any]:
        if "SYN" not in mask.split(",") or "ACK" not in mask.split(","):
            return [{UNREADABLE: f"--tcp-flags {mask} {flags}"}]
        wanted = [each.lower() for each in flags.split(",") if each != "NONE"]
        left = {"payload": {"protocol": "tcp", "field": "flags"}}
        return [{"match": {"op": operator, "left": left, "right": {"|": wanted}}}]

    def _target(self, option: str) -> list[Any]:
        name = self._take()
        options = self._rest()
        if name == "CT" and "--notrack" in options:
            name = "NOTRACK"
        if name in _NEUTRAL or name in _SIMPLE:
            return [{_SIMPLE[name]: None}] if name in _SIMPLE else []
        if name == "MARK":
            return self._mark(options)
        if name in ("DNAT", "SNAT", "REDIRECT"):
            return self._translation(name, options)
        # A target that is not known may do anything; a chain has no options.
        jump = {"goto" if option == "-g" else "jump": {"target": name}}
        return [{UNREADABLE: name}, {name.lower(): None}] if options else [jump]

    def _mark(self, options: Mapping[str, str]) -> list[Any]:
        given = options.get("--set-xmark") or options.get("--set-mark")
        if given is None:
            return [{UNREADABLE: "MARK"}, {"mangle": None}]
        value, _, mask = given.partition("/")
        kept = 0xFFFFFFFF ^ int(mask or "0xffffffff", 0)
        mark = {"meta": {"key": "mark"}}
        return [{"mangle": {"key": mark, "value": {"^": [{"&": [mark, kept]}, int(value, 0)]}}}]

    def _translation(self, name: str, options: Mapping[str, str]) -> list[Any]:
        to = options.get("--to-destination") or options.get("--to-source")
        ports = options.get("--to-ports", "")
        body: dict[str, Any] = {}
        if to is not None:
            address, port = _split(to, self._version)
            body["addr"] = address
            ports = port
        if ports:
            body["port"] = int(ports) if ports.isdigit() else None
        return [{name.lower(): body}]

    def _rest(self) -> dict[str, str]:
        found = {}
        while self._at < len(self._words):
            option = self._take()
            found[option] = self._arguments()
        return found

    def _arguments(self) -> str:
        """Those of an option that is not known: as many as there are before the next."""
        found = []
        while self._at < len(self._words) and self._words[self._at][:1] not in ("-", "!"):
            found.append(self._take())
        return " ".join(found)

    def _take(self) -> str:
        self._at += 1
        return self._words[self._at - 1] if self._at <= len(self._words) else ""

    def _take_if(self, word: str) -> bool:
        there = self._at < len(self._words) and self._words[self._at] == word
        self._at += there
        return there


def _split(text: str, version: int) -> tuple[str, str]:
    if version == 6:
        address, _, port = text.partition("]")
        return address.lstrip("["), port.lstrip(":")
    address, _, port = text.partition(":")
    return address, port
