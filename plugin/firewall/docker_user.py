"""Living next to Docker: a rule per family that accepts what our table has marked.

DOCKER-USER is the chain Docker leaves to others and never empties; without it (no Docker
yet, or its nftables backend) the rule goes into FORWARD.  It is set by ``iptables`` and
never natively: a native rule in Docker's table makes ``iptables-save`` refuse the table.

An engine that starts takes its jump to DOCKER-USER out of FORWARD and puts it in again
(moby, setupIPChains); on 28 some milliseconds later.  So that what runs is not interrupted
there, a second rule behind the jump accepts connections that were let in before.  New ones
have to wait: what others refuse in DOCKER-USER shall not slip through.

Where somebody uses the legacy tables too, which the kernel tells, the rules are in them as well:
a packet has to pass both.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from plugin.errors import FirewallError

_TIMEOUT_SECONDS: Final = 10.0
_DOCKERS: Final = "DOCKER-USER"
_FORWARD: Final = "FORWARD"
_COMMANDS: Final = ("iptables", "ip6tables")
# Names of the legacy tables in use, of this network namespace (net/netfilter/x_tables.c).
_LEGACY_TABLES: Final = {
    "iptables-legacy": Path("/proc/thread-self/net/ip_tables_names"),
    "ip6tables-legacy": Path("/proc/thread-self/net/ip6_tables_names"),
}


class DockerUser:
    """The rules in Docker's filter table."""

    def __init__(self, mark: int) -> None:
        marked = ("-m", "mark", "--mark", f"{mark:#x}/{mark:#x}")
        known = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
        accept = ("-m", "comment", "--comment", "pynet", "-j", "ACCEPT")
        self._all = (*marked, *accept)
        self._established = (*marked, *known, *accept)

    def ensure(self) -> None:
        """Put the rules where they belong, once; a host without iptables needs none."""
        for path in _paths():
            self._ensure(path)

    def remove(self) -> None:
        """Take the rules out of both chains."""
        for path in _paths():
            _remove(path, _DOCKERS, self._all)
            _remove(path, _FORWARD, self._all)
            _remove(path, _FORWARD, self._established)

    def _ensure(self, path: str) -> None:
        if not _has(path, _DOCKERS, self._all):
            if not _succeeds(path, "-n", "-L", _DOCKERS):
                self._ensure_without_docker(path)
                return
            _run(path, "-I", _DOCKERS, *self._all)
            _remove(path, _FORWARD, self._all)
        if not _has(path, _FORWARD, self._established):
            _run(path, "-A", _FORWARD, *self._established)

    def _ensure_without_docker(self, path: str) -> None:
        if _succeeds(path, "-n", "-L", _FORWARD) and not _has(path, _FORWARD, self._all):
            _run(path, "-I", _FORWARD, *self._all)


def _paths() -> list[str]:
    commands = [*_COMMANDS, *(name for name, names in _LEGACY_TABLES.items() if _in_use(names))]
    return [path for command in commands if (path := shutil.which(command)) is not None]


def _in_use(names: Path) -> bool:
    try:
        return "filter" in names.read_text().split()
    except OSError:
        return False


def _remove(path: str, chain: str, rule: tuple[str, ...]) -> None:
    while _has(path, chain, rule):
        _run(path, "-D", chain, *rule)


def _has(path: str, chain: str, rule: tuple[str, ...]) -> bool:
    return _succeeds(path, "-C", chain, *rule)


def _succeeds(path: str, *arguments: str) -> bool:
    return _call(path, *arguments).returncode == 0


def _run(path: str, *arguments: str) -> None:
    done = _call(path, *arguments)
    if done.returncode:
        raise FirewallError(
            f"{path} {' '.join(arguments)} failed: {done.stderr.strip() or 'no reason given'}"
        )


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
