"""Rules of iptables, as ``iptables-save -c`` prints them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_POLICY: Final = re.compile(r":(\S+) (\S+) \[(\d+):\d+\]")
_RULE: Final = re.compile(r"\[(\d+):\d+\] -A (\S+) (.*)")
_DROPPING: Final = re.compile(r"-j (DROP|REJECT)\b")
_IN: Final = re.compile(r"(! )?-[io] (\S+)")
_PREFIX: Final = re.compile(r"(! )?-[sd] (\S+)")
_COMMENT: Final = re.compile(r'--comment (?:"(?:[^"\\]|\\.)*"|\S+)')


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRule:
    """A rule, with how many packets it took."""

    chain: str
    text: str
    packets: int

    @property
    def drops(self) -> bool:
        """Whether it ends a packet."""
        return _DROPPING.search(self._said) is not None

    @property
    def links(self) -> tuple[str, ...]:
        """Links that it is about; none if it is about all."""
        return tuple(name for not_, name in _IN.findall(self._said) if not not_)

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Sources and destinations that it is about; none if it is about all."""
        return tuple(prefix for not_, prefix in _PREFIX.findall(self._said) if not not_)

    @property
    def _said(self) -> str:
        """The rule without its comment, which may have any words."""
        return _COMMENT.sub("", self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterTable:
    """The filter table of one family; ``policies`` has those of built-in chains."""

    policies: Mapping[str, str]
    chains: frozenset[str]
    rules: tuple[UserRule, ...]

    def of(self, chain: str) -> tuple[UserRule, ...]:
        """The rules of a chain, in their order."""
        return tuple(each for each in self.rules if each.chain == chain)


def parse_filter(saved: str) -> FilterTable:
    """The filter table among all that was saved."""
    policies, rules, chains, table = {}, [], set(), ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif table == "filter" and (found := _POLICY.match(line)):
            chains.add(found[1])
            if found[2] != "-":
                policies[found[1]] = found[2]
        elif table == "filter" and (found := _RULE.match(line)):
            rules.append(UserRule(chain=found[2], text=found[3], packets=int(found[1])))
    return FilterTable(policies=policies, chains=frozenset(chains), rules=tuple(rules))
