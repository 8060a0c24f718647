"""Find and remove what pynet's firewall leaves: two nftables tables, and rules in Docker's chains.

Rules are found by their comment, with any mark.  nftables is asked first whether a chain is
there, because iptables creates the chains of a table that it lists.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from plugin.errors import FirewallError, KernelError
from plugin.firewall import docker_user, iptables, user_nat
from plugin.firewall.base import Ruleset
from plugin.model.rules import CompiledTable

_FAMILIES: Final = {4: "ip", 6: "ip6"}
_PLACES: Final = (
    ("filter", ("FORWARD", "DOCKER-USER"), docker_user.RULES),
    ("nat", ("POSTROUTING",), user_nat.RULES),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    """One rule of pynet's among those of iptables."""

    command: str
    table: str
    chain: str
    rule: str

    def __str__(self) -> str:
        return f"rule {self.command} -t {self.table} -A {self.chain} {self.rule}"


class FirewallTraces:
    """The tables and rules of pynet in this network namespace."""

    def __init__(self, tables: Sequence[CompiledTable], ruleset: Ruleset) -> None:
        self._tables = tables
        self._ruleset = ruleset

    def found(self) -> tuple[str, ...]:
        """Tables as nft names them, rules as iptables does.  Raises FirewallError."""
        there = self._chains()
        own = [each for each in self._tables if (each.family, each.name) in {t[:2] for t in there}]
        tables = [f"table {each.family} {each.name}" for each in own]
        return (*tables, *map(str, self._rules(there)))

    def remove(self) -> None:
        """Delete tables and rules.  Raises FirewallError."""
        for each in self._rules(self._chains()):
            arguments = each.rule.replace('"', "").split()
            iptables.checked(each.command, "-t", each.table, "-D", each.chain, *arguments)
        try:
            self._ruleset.drop(self._tables)
        except KernelError as error:
            raise FirewallError(str(error)) from error

    def _chains(self) -> set[tuple[str, str, str]]:
        try:
            return {(each.family, each.table, each.name) for each in self._ruleset.chains()}
        except KernelError as error:
            raise FirewallError(str(error)) from error

    def _rules(self, there: set[tuple[str, str, str]]) -> Iterator[_Rule]:
        for table, chains, pattern in _PLACES:
            for path, version, legacy in _commands(table):
                for chain in chains:
                    if legacy or (_FAMILIES[version], table, chain) in there:
                        yield from _ours(path, table, chain, pattern)


def _commands(table: str) -> Iterator[tuple[str, int, bool]]:
    """What lists the table of each family: natively, and the legacy one where it is in use.

    A plugin in a container may have used another variant than this host does.
    """
    found = set()
    for command, version in iptables.wanted(table):
        legacy = command.endswith(iptables.LEGACY)
        plain = iptables.COMMANDS[version]
        path = shutil.which(command if legacy else plain + iptables.NATIVE) or shutil.which(plain)
        if path is not None:
            found.add((path, version, legacy))
    yield from sorted(found)


def _ours(path: str, table: str, chain: str, pattern: re.Pattern[str]) -> Iterator[_Rule]:
    done = iptables.call(path, "-t", table, "-S", chain)
    if done.returncode == iptables.NOT_FOUND:
        return  # a legacy table has no such chain
    if done.returncode:
        raise iptables.failure(path, ("-t", table, "-S", chain), done)
    for rule in filter(pattern.fullmatch, iptables.parsed(chain, done.stdout)):
        yield _Rule(command=path, table=table, chain=chain, rule=rule)
