"""Living next to Docker: a rule per family that accepts what our table has marked.

DOCKER-USER is the chain Docker leaves to others and never empties; without it (no Docker
yet, or its nftables backend) the rule goes into FORWARD.  It is set by ``iptables`` and
never natively: a native rule in Docker's table makes ``iptables-save`` refuse the table.

An engine that starts takes its jump to DOCKER-USER out of FORWARD and puts it in again
(moby, setupIPChains); on 28 some milliseconds later.  So that what runs is not interrupted
there, a second rule behind the jump accepts connections that were let in before.  New ones
have to wait: what others refuse in DOCKER-USER shall not slip through.  A jump that does not
come back was taken by somebody who emptied FORWARD, and Docker puts it in again only when it
starts: until then the rule stands at the end of FORWARD, too.

Where somebody uses the legacy tables too, which the kernel tells, the rules are in them as well:
a packet has to pass both.  One family that cannot be served keeps none of the others waiting.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from plugin.errors import FirewallError
from plugin.model.rules import Prepared, Rule, Unserved

_TIMEOUT_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 1.0  # an engine that starts has put its jump back by then
_POLL_SECONDS: Final = 0.1
_DOCKERS: Final = "DOCKER-USER"
_FORWARD: Final = "FORWARD"
_JUMP: Final = f"-A {_FORWARD} -j {_DOCKERS}"
_COMMANDS: Final = {"iptables": 4, "ip6tables": 6}
# Names of the legacy tables in use, of this network namespace (net/netfilter/x_tables.c).
_LEGACY_TABLES: Final = {
    "iptables-legacy": Path("/proc/thread-self/net/ip_tables_names"),
    "ip6tables-legacy": Path("/proc/thread-self/net/ip6_tables_names"),
}
_Arguments = tuple[str, ...]


class DockerUser:
    """The rules in Docker's filter table."""

    def __init__(self, mark: int) -> None:
        marked = ("-m", "mark", "--mark", f"{mark:#x}/{mark:#x}")
        known = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
        accept = ("-m", "comment", "--comment", "pynet", "-j", "ACCEPT")
        self._all = (*marked, *accept)
        self._established = (*marked, *known, *accept)

    def ensure(self) -> Prepared:
        """Put the rules where they belong, once; what that fails for is told, not raised."""
        restored: list[Rule] = []
        unserved = []
        for command, version in _wanted():
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

    def remove(self) -> None:
        """Take the rules out of both chains."""
        for command, _ in _wanted():
            path = shutil.which(command)
            if path is not None:
                _remove(path, _DOCKERS, self._all)
                _remove(path, _FORWARD, self._all)
                _remove(path, _FORWARD, self._established)

    def _ensure(self, path: str) -> list[Rule]:
        dockers = _rules(path, _DOCKERS)
        if dockers is None:
            forward = _listed(path, _FORWARD)
            return _put(path, forward, "-I", _FORWARD, self._all)
        restored = _put(path, dockers, "-I", _DOCKERS, self._all)
        forward = self._settled(path)
        moved = bool(restored) and _holds(path, forward, _FORWARD, self._all)
        restored += _put(path, forward, "-A", _FORWARD, self._established)
        if _JUMP not in forward:
            restored += _put(path, forward, "-A", _FORWARD, self._all)
        elif _line(_FORWARD, self._all) in forward:
            _remove(path, _FORWARD, self._all)
        # Docker has come since: it lacked nothing where it was.
        return [] if moved else restored

    def _settled(self, path: str) -> list[str]:
        """FORWARD's rules, once it is clear whether the jump to Docker's chain is in it."""
        known = {_JUMP, _line(_FORWARD, self._all)}
        end = time.monotonic() + _SETTLE_SECONDS
        while not known & set(rules := _listed(path, _FORWARD)) and time.monotonic() < end:
            time.sleep(_POLL_SECONDS)
        return rules


def _wanted() -> Iterator[tuple[str, int]]:
    yield from _COMMANDS.items()
    for name, tables in _LEGACY_TABLES.items():
        if _in_use(tables):
            yield name, _COMMANDS[name.removesuffix("-legacy")]


def _in_use(names: Path) -> bool:
    try:
        return "filter" in names.read_text().split()
    except OSError:
        return False


def _put(path: str, there: list[str], verb: str, chain: str, rule: _Arguments) -> list[Rule]:
    if _holds(path, there, chain, rule):
        return []
    _run(path, verb, chain, *rule)
    family = "ip6" if Path(path).name.startswith("ip6") else "ip"
    return [Rule(table=f"{family} filter", chain=chain)]


def _holds(path: str, there: list[str], chain: str, rule: _Arguments) -> bool:
    """Whether the chain has the rule; another iptables may write it otherwise than we do."""
    return _line(chain, rule) in there or _has(path, chain, rule)


def _line(chain: str, rule: _Arguments) -> str:
    return " ".join(("-A", chain, *rule))


def _listed(path: str, chain: str) -> list[str]:
    return _checked(path, "-S", chain).splitlines()


def _rules(path: str, chain: str) -> list[str] | None:
    """The rules of a chain, or None if there is no such chain."""
    done = _call(path, "-S", chain)
    return None if done.returncode else done.stdout.splitlines()


def _remove(path: str, chain: str, rule: _Arguments) -> None:
    while _has(path, chain, rule):
        _run(path, "-D", chain, *rule)


def _has(path: str, chain: str, rule: _Arguments) -> bool:
    return _call(path, "-C", chain, *rule).returncode == 0


def _run(path: str, *arguments: str) -> None:
    """Change something."""
    _checked(path, *arguments)


def _checked(path: str, *arguments: str) -> str:
    done = _call(path, *arguments)
    if done.returncode:
        reason = done.stderr.strip() or done.stdout.strip() or "no reason given"
        raise FirewallError(f"{path} {' '.join(arguments)} failed: {reason}")
    return done.stdout


def _call(path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the path is iptables', the arguments are ours
            [path, "-w", "5", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirewallError(f"{path} did not answer: {error}") from error
