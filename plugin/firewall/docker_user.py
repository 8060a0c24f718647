"""Rules in Docker's chains, per family, that accept packets which pynet's table has marked.

DOCKER-USER is the chain that Docker leaves to users and never empties.  Drops of the user there
must apply to pynet's networks as to Docker's.  So pynet's accept is the last rule that is reached:
at the end, or before the RETURN that ends the chain in engines up to 27.  The rule is set by
``iptables``: after a native rule in Docker's table ``iptables-save`` refuses the table.

Two more rules follow Docker's jump in FORWARD.  The first is a jump to DOCKER-USER for marked
packets.  A starting engine removes its own jump and inserts it again (moby, setupIPChains), on 28
some milliseconds later.  Meanwhile pynet's jump keeps traffic and the user's drops working.  The
second accepts packets that the user lets RETURN: Docker's own rules do not know pynet's networks.

Without DOCKER-USER (no Docker yet, or its nftables backend) FORWARD belongs to the user.  pynet
accepts at its end, which only overrides a policy of DROP.

If the kernel shows that the legacy tables are in use, the rules are set there as well, because a
packet passes both.  If the rules of one family cannot be set, the other families still get their rules.
"""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from plugin.errors import FirewallError
from plugin.firewall import iptables
from plugin.model.rules import Prepared, Rule, Unserved

_DOCKERS: Final = "DOCKER-USER"
_FORWARD: Final = "FORWARD"
_JUMP: Final = f"-j {_DOCKERS}"
_SWITCH: Final = {4: "net.ipv4.ip_forward=1", 6: "net.ipv6.conf.all.forwarding=1"}
_RETURN: Final = "-j RETURN"
# As iptables lists them, with any mark: PYNET_MARK may have changed since they were set.
RULES: Final = re.compile(
    r"-m mark --mark 0x[0-9a-f]+/0x[0-9a-f]+ (-m conntrack --ctstate RELATED,ESTABLISHED )?"
    r"-m comment --comment \"?pynet\"? -j (ACCEPT|DOCKER-USER)"
)


class DockerUser:
    """The rules in Docker's filter table."""

    def __init__(self, mark: int) -> None:
        marked = f"-m mark --mark {mark:#x}/{mark:#x} -m comment --comment pynet -j "
        self._accept = marked + "ACCEPT"
        self._through = marked + _DOCKERS

    def ensure(self) -> Prepared:
        """Put the rules where they belong, once; a family that fails is answered, not raised."""
        restored: list[Rule] = []
        unserved = []
        for command, version in iptables.wanted("filter"):
            path = shutil.which(command)
            if path is None:
                why = f"there is no {command} command"
                unserved.append(Unserved(version=version, why=why))
                continue
            try:
                restored += self._ensure(path)
            except FirewallError as error:
                unserved.append(Unserved(version=version, why=str(error)))
        return Prepared(restored=tuple(restored), unserved=tuple(unserved))

    def drop_forwarded(self, version: int) -> None:
        """Set the policy of a family's FORWARD to DROP; our own rules are in it.

        Raises FirewallError.
        """
        command = iptables.COMMANDS[version]
        path = shutil.which(command)
        if path is None:
            raise FirewallError(
                f"IPv{version} forwarding is off, and pynet cannot switch it on safely: without the "
                f"command {command} it cannot set the policy of FORWARD to DROP. Install the package "
                f"iptables, or switch forwarding on yourself (sysctl -w {_SWITCH[version]})"
            )
        iptables.checked(path, "-P", _FORWARD, "DROP")

    def _ensure(self, path: str) -> list[Rule]:
        dockers = _rules(path, _DOCKERS)
        forward = iptables.parsed(_FORWARD, iptables.checked(path, "-S", _FORWARD))
        if dockers is None:
            return _place(path, _FORWARD, forward, [self._accept])
        moves = self._accept in forward and self._through not in forward
        restored = _place(path, _DOCKERS, dockers, [self._accept])
        restored += _place(path, _FORWARD, forward, [self._through, self._accept])
        # If Docker has come since, it lacked nothing where it was.
        return [] if moves else restored


def _place(path: str, chain: str, rules: list[str], block: list[str]) -> list[Rule]:
    """Put one rule where it is the last that is reached, and two rules behind Docker's jump.

    Answers what was missing.
    """
    ours = [number for number, rule in enumerate(rules) if RULES.fullmatch(rule)]
    start = ours[0] if ours else 0
    end = rules.index(_RETURN) if _RETURN in rules else len(rules)
    if rules[start : start + len(block)] == block and len(ours) == len(block):
        if len(block) > 1 or start + 1 == end:
            return []
    elif rules and not ours and _has(path, chain, block[-1]):
        return []  # an iptables that lists rules in another form: leave the rule, do not add it twice
    at = rules.index(_JUMP) + 1 if _JUMP in rules else end
    before = sum(number < at for number in ours)
    if before == len(ours):  # -D takes the first of its like
        _insert(path, chain, at, block)
        _delete(path, chain, [rules[number] for number in ours])
    else:
        _delete(path, chain, [rules[number] for number in ours])
        _insert(path, chain, at - before, block)
    family = "ip6" if Path(path).name.startswith("ip6") else "ip"
    lost = [rule for rule in block if rule not in rules]
    return [Rule(table=f"{family} filter", chain=chain)] * len(lost)


def _insert(path: str, chain: str, at: int, block: list[str]) -> None:
    for rule in reversed(block):
        iptables.checked(path, "-I", chain, str(at + 1), *rule.split())


def _delete(path: str, chain: str, rules: Iterable[str]) -> None:
    for rule in rules:
        iptables.checked(path, "-D", chain, *rule.replace('"', "").split())


def _rules(path: str, chain: str) -> list[str] | None:
    """The chain's rules, or None if there is no such chain.

    Exit code 1 means that the chain is missing or incompatible, which 1.8.9 does not distinguish.
    Other codes mean that iptables could not look (it waits for a lock, or lacks memory).
    """
    done = iptables.call(path, "-S", chain)
    if done.returncode == 0:
        return iptables.parsed(chain, done.stdout)
    whole = iptables.call(path, "-S") if done.returncode == iptables.NOT_FOUND else done
    if (
        whole.returncode not in (0, iptables.NOT_FOUND)
        or f"-N {chain}" in whole.stdout.splitlines()
    ):
        raise iptables.failure(path, ("-S", chain), done)
    return None


def _has(path: str, chain: str, rule: str) -> bool:
    arguments = ("-C", chain, *rule.split())
    done = iptables.call(path, *arguments)
    if done.returncode not in (0, iptables.NOT_FOUND):
        raise iptables.failure(path, arguments, done)
    return done.returncode == 0
