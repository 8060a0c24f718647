"""Living next to Docker: one rule per family that accepts what our table has marked.

DOCKER-USER is the chain Docker leaves to others and never empties; without it (no Docker
yet, or its nftables backend) the rule goes into FORWARD.  It is set by ``iptables`` and
never natively: a native rule in Docker's table makes ``iptables-save`` refuse the table.
"""

import shutil
import subprocess
from typing import Final

from plugin.errors import FirewallError

_TIMEOUT_SECONDS: Final = 10.0
_CHAINS: Final = ("DOCKER-USER", "FORWARD")
_COMMANDS: Final = ("iptables", "ip6tables")


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
        for command in _COMMANDS:
            path = shutil.which(command)
            if path is not None:
                self._ensure(path)

    def remove(self) -> None:
        """Take the rule out of both chains."""
        for command in _COMMANDS:
            path = shutil.which(command)
            for chain in _CHAINS if path else ():
                while path and self._has(path, chain):
                    _run(path, "-D", chain, *self._rule)

    def _ensure(self, path: str) -> None:
        home = next((chain for chain in _CHAINS if _succeeds(path, "-n", "-L", chain)), None)
        if home is None:
            return  # the family is switched off
        if not self._has(path, home):
            _run(path, "-I", home, *self._rule)
        other = _CHAINS[1 - _CHAINS.index(home)]
        if self._has(path, other):
            _run(path, "-D", other, *self._rule)

    def _has(self, path: str, chain: str) -> bool:
        return _succeeds(path, "-C", chain, *self._rule)


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
