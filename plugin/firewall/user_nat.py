"""Respect the user's rules in iptables' POSTROUTING, which decide first who is masqueraded.

A rule that translates there is final: the kernel skips later chains.  An ACCEPT is not final: the
next chain would masquerade anyway, although users keep a network's addresses into a VPN that way.
So pynet adds a last rule there that sets its mark on packets which no rule accepted.  pynet's own
chain then masquerades only packets with the mark.

If all rules translate, as Docker's do, no rule is added and the mark is not needed.  A rule that
was added once stays, because pynet's chain clears the mark again.
"""

import re
import shutil
from typing import Final

from plugin.errors import FirewallError
from plugin.firewall import iptables
from plugin.firewall.base import Ruleset
from plugin.log import Log

_log: Final = Log("nat")
_TABLE: Final = "nat"
_CHAIN: Final = "POSTROUTING"
_FAMILIES: Final = {4: "ip", 6: "ip6"}
_TRANSLATES: Final = re.compile(r"-j (MASQUERADE|SNAT|NETMAP)( |$)")
# As iptables lists it, with any mark: PYNET_MARK may have changed since it was set.
RULES: Final = re.compile(
    r"-m comment --comment \"?pynet\"? -j MARK --set-xmark 0x[0-9a-f]+/0x[0-9a-f]+"
)


class UserNat:
    """The last rule of POSTROUTING, where it is needed."""

    def __init__(self, mark: int, ruleset: Ruleset) -> None:
        self._last = f"-m comment --comment pynet -j MARK --set-xmark {mark:#x}/{mark:#x}"
        self._ruleset = ruleset
        self._obeyed: frozenset[int] = frozenset()
        self.failed = False  # whether the rule could not be looked at or set last time

    def ensure(self) -> tuple[int, ...]:
        """Put the rule last; the families in which our chain is to ask for what it sets."""
        there = {(each.family, each.table, each.name) for each in self._ruleset.chains()}
        obeyed: set[int] = set()
        self.failed = False
        for command, version in iptables.wanted(_TABLE):
            legacy = command.endswith(iptables.LEGACY)
            path = shutil.which(command)
            if path is None or not (legacy or (_FAMILIES[version], _TABLE, _CHAIN) in there):
                continue  # to list a table would make it
            try:
                if self._is_last(path):
                    obeyed.add(version)
            except FirewallError as error:
                self.failed = True
                _log.warning("rule.not_set", chain=_CHAIN, reason=error)
                obeyed |= self._obeyed & {version}  # it may be busy, and the rule is there
        self._obeyed = frozenset(obeyed)
        return tuple(sorted(obeyed))

    def _is_last(self, path: str) -> bool:
        """Whether the rule is needed, and there."""
        listing = iptables.checked(path, "-t", _TABLE, "-S", _CHAIN)
        rules = iptables.parsed(_CHAIN, listing)
        ours = [rule for rule in rules if RULES.fullmatch(rule)]
        if len(ours) == sum(not _TRANSLATES.search(rule) for rule in rules):
            return False
        if len(ours) == 1 and rules[-1] == self._last:
            return True
        iptables.checked(path, "-t", _TABLE, "-A", _CHAIN, *self._last.split())
        for rule in ours:  # -D takes the first of its like
            iptables.checked(path, "-t", _TABLE, "-D", _CHAIN, *rule.replace('"', "").split())
        return True
