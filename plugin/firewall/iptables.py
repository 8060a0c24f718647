"""Run the iptables commands of this host.

A packet passes the legacy tables and nftables' own.  The kernel shows which legacy tables are in
use.  If the plain command is the legacy one, nftables may still have rules of another command:
Docker's policy of DROP, for instance, after a host was switched over.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from plugin.errors import FirewallError

COMMANDS: Final = {4: "iptables", 6: "ip6tables"}
_LOOKED_AT: Final = ("filter", "nat")
LEGACY: Final = "-legacy"
NATIVE: Final = "-nft"
NOT_FOUND: Final = 1  # iptables' include/xtables.h, OTHER_PROBLEM; a lock that is taken is 4
_TIMEOUT_SECONDS: Final = 10.0
_DECIDES: Final = re.compile(r"^(-A |:\S+ DROP )", re.MULTILINE)  # of iptables-save
# Names of the legacy tables in use, of this network namespace (net/netfilter/x_tables.c).
_LEGACY_TABLES: Final = {
    4: Path("/proc/thread-self/net/ip_tables_names"),
    6: Path("/proc/thread-self/net/ip6_tables_names"),
}


def wanted(table: str) -> Iterator[tuple[str, int]]:
    """The commands that have to do with a table, and their families."""
    for version, command in COMMANDS.items():
        yield command, version
    for version, names in _LEGACY_TABLES.items():
        if _in_use(names, table):
            yield COMMANDS[version] + LEGACY, version
    for version, command in COMMANDS.items():
        if _is_legacy(command) and _has_native(command, table):
            yield command + NATIVE, version


def is_native() -> bool:
    """Whether all that iptables shows are rules of nftables: no legacy table or command is in use."""
    return not (
        any(_in_use(names, table) for names in _LEGACY_TABLES.values() for table in _LOOKED_AT)
        or any(_is_legacy(command) for command in COMMANDS.values())
    )


def parsed(chain: str, listing: str) -> list[str]:
    """The chain's rules, as ``-S`` lists them."""
    start = f"-A {chain} "
    return [line.removeprefix(start) for line in listing.splitlines() if line.startswith(start)]


def checked(path: str, *arguments: str) -> str:
    """The output of the command.  Raises FirewallError if it fails."""
    done = call(path, *arguments)
    if done.returncode:
        raise failure(path, arguments, done)
    return done.stdout


def failure(
    path: str, arguments: Iterable[str], done: subprocess.CompletedProcess[str]
) -> FirewallError:
    """Why the command failed."""
    reason = done.stderr.strip() or done.stdout.strip() or "no reason given"
    return FirewallError(f"{path} {' '.join(arguments)} failed: {reason}")


def call(path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command; its exit code may be any.  Raises FirewallError if it cannot run or end."""
    return _run([path, "-w", "5", *arguments])


def _run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(  # noqa: S603 - the path is iptables', the arguments are pynet's
            words, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FirewallError(f"{words[0]} did not answer: {error}") from error


def _is_legacy(command: str) -> bool:
    path = shutil.which(command)
    return path is not None and LEGACY in Path(path).resolve().name


def _has_native(command: str, table: str) -> bool:
    """Whether nftables has rules or a policy of DROP in the table; if unsure, yes."""
    path = shutil.which(f"{command}{NATIVE}-save")
    if path is None:
        return False
    try:
        return _DECIDES.search(_run([path, "-t", table]).stdout) is not None
    except FirewallError:
        return True  # its user reports why it fails


def _in_use(names: Path, table: str) -> bool:
    try:
        return table in names.read_text().split()
    except OSError:
        return False
