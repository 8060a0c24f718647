"""One use of the lab: its directory, its lock, and its mark on processes.

A run lives as long as a process holds the lock on its directory: the kernel
releases it when the owner dies, however it dies.  Every process of a run
has the run's name in its environment.  So the next run can tell which runs
are dead and find all that they left.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from tests.lab.commands import wait_until

LAB: Final = Path(os.environ.get("PYNET_LAB", "/var/tmp/pynet-lab"))
MARK: Final = "PYNET_LAB_RUN"
CGROUPS: Final = Path("/sys/fs/cgroup")


class Run:
    """A named directory under LAB that is this process's until it ends."""

    def __init__(self) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(2)}"
        self.directory = LAB / self.name
        self._children: list[subprocess.Popen[bytes]] = []
        with _registry():
            _sweep_dead_runs()
            self.directory.mkdir()
            self._lock = _lock_file(self.directory).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    @property
    def env(self) -> dict[str, str]:
        """The environment for every process of the run."""
        return {**os.environ, MARK: self.name}

    def cgroup(self, host: str) -> str:
        """Return the parent of the control groups of a host's containers."""
        return f"/{_cgroup_prefix(self.name)}{host}"

    def adopt(self, child: "subprocess.Popen[bytes]") -> None:
        """Take note of a child of this process, to be waited for at the end."""
        self._children.append(child)

    def close(self) -> None:
        """End every process of the run and remove its directory."""
        for child in self._children:
            child.kill()
            child.wait()
        with _registry():
            _remove(self.directory)
            self._lock.close()


def sweep() -> list[str]:
    """Remove what dead runs left; return their names."""
    with _registry():
        return _sweep_dead_runs()


def marked_processes(name: str) -> list[int]:
    """Return the processes that have the run's mark."""
    mark = f"{MARK}={name}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


@contextmanager
def _registry() -> Iterator[None]:
    """Keep other runs from coming and being swept during the block."""
    LAB.mkdir(parents=True, exist_ok=True)
    with (LAB / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep_dead_runs() -> list[str]:
    swept = []
    for directory in sorted(path for path in LAB.iterdir() if path.is_dir()):
        with _lock_file(directory).open("w") as lock:
            if _is_free(lock):
                _remove(directory)
                swept.append(directory.name)
    return swept


def _lock_file(directory: Path) -> Path:
    return directory / "lock"


def _is_free(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _remove(directory: Path) -> None:
    wait_until(
        lambda: not _kill_marked(directory.name),
        f"the end of the processes of {directory.name}",
    )
    for group in _control_groups(directory.name):
        with suppress(OSError):
            group.rmdir()
    # The mounts were in the namespaces of those processes and went with them.
    wait_until(lambda: _rmtree(directory), f"the removal of {directory}")


def _kill_marked(name: str) -> list[int]:
    found = [pid for pid in marked_processes(name) if pid != os.getpid()]
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def _rmtree(directory: Path) -> bool:
    # The kernel unmounts a dying namespace a moment after its last process.
    shutil.rmtree(directory, ignore_errors=True)
    return not directory.exists()


def _cgroup_prefix(name: str) -> str:
    return f"pynet-lab-{name}-"


def _control_groups(name: str) -> list[Path]:
    """Return the run's control groups (of both hierarchies), deepest first."""
    prefix = _cgroup_prefix(name)
    tops = [*CGROUPS.glob(f"{prefix}*"), *CGROUPS.glob(f"*/{prefix}*")]
    groups = [path for top in tops for path in (top, *top.rglob("*")) if path.is_dir()]
    return sorted(groups, key=lambda path: len(path.parts), reverse=True)
