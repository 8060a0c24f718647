"""Living next to Docker: one rule per family that accepts what our table has marked.

DOCKER-USER is the chain Docker leaves to others and never empties; without it (no Docker
yet, or its nftables backend) the rule goes into FORWARD.  It is set by ``iptables`` and
never natively: a native rule in Docker's table makes ``iptables-save`` refuse the table.

Where somebody uses the legacy tables too, which the kernel tells, the rule is in them as well:
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
    """The rule in Docker's filter table."""

    def __init__(self, mark: int) -> None:
        self._rule = (
            *("-m", "mark", "--mark", f"{mark:#x}/{mark:#x}"),
            *("-m", "comment", "--comment", "pynet"),
            *("-j", "ACCEPT"),
        )

    def ensure(self) -> None:
        """Put the rule where it belongs, once; a host without iptables needs none."""
        for path in _paths():
            self._ensure(path)

    def remove(self) -> None:
        """Take the rule out of both chains."""
        for path in _paths():
            for chain in (_DOCKERS, _FORWARD):
                self._remove(path, chain)

    def _ensure(self, path: str) -> None:
        if self._has(path, _DOCKERS):
            return  # the ordinary case costs one process
        if _succeeds(path, "-n", "-L", _DOCKERS):
            _run(path, "-I", _DOCKERS, *self._rule)
            self._remove(path, _FORWARD)
        elif _succeeds(path, "-n", "-L", _FORWARD) and not self._has(path, _FORWARD):
            _run(path, "-I", _FORWARD, *self._rule)

    def _remove(self, path: str, chain: str) -> None:
        while self._has(path, chain):
            _run(path, "-D", chain, *self._rule)

    def _has(self, path: str, chain: str) -> bool:
        return _succeeds(path, "-C", chain, *self._rule)


def _paths() -> list[str]:
    commands = [*_COMMANDS, *(name for name, names in _LEGACY_TABLES.items() if _in_use(names))]
    return [path for command in commands if (path := shutil.which(command)) is not None]


def _in_use(names: Path) -> bool:
    try:
        return "filter" in names.read_text().split()
    except OSError:
        return False


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
