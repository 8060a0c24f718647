"""The engine of a host: started, stopped, killed, and asked.

dockerd is an ordinary child of the host's PID 1 rather than PID 1 itself, so
that killing it does not take the containers along, as on a real machine.
"""

import os
import signal
from pathlib import Path
from typing import Final

import docker

from tests.lab.commands import DeadlineError, wait_until
from tests.lab.process import Process
from tests.lab.runs import Run
from tests.lab.unix_http import get_json

SOCKET: Final = "/run/docker.sock"
START_DEADLINE: Final = 240  # seconds; a busy virtual machine takes a minute and more
# dockerd gives its containerd 15 s, and no option changes that: too few on a busy machine.
_IMPATIENCE: Final = "timeout waiting for containerd to start"


class Dockerd:
    """One life of dockerd after the other, on the same data."""

    def __init__(self, lab: Run, name: str) -> None:
        self.log = lab.directory / name / "dockerd.log"
        self.options: list[str] = []
        self._lab = lab
        self._cgroup = lab.cgroup(name)
        self._process: Process | None = None
        self._pid = 0
        self._said_before = 0  # bytes of its log that are of earlier lives

    @property
    def pid(self) -> int:
        return self._pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self, leader: int, *, wait: bool = True) -> None:
        """Start dockerd in the host of this PID 1 and wait for its API."""
        self._begin(leader)
        if wait:
            self.wait_ready(leader)

    def wait_ready(self, leader: int) -> None:
        """Wait for its API; one that did not wait long enough itself is started again."""
        wait_until(
            lambda: self._answers(leader),
            f"dockerd's API (log {self.log})",
            deadline=START_DEADLINE,
        )

    def end(self, number: signal.Signals, *, deadline: float = 60) -> None:
        """Send dockerd a signal and wait until it is gone."""
        if self._process is not None and self._process.running:
            os.kill(self._pid, number)
            self._process.wait(deadline=deadline)

    def lines(self) -> list[str]:
        """Return all that dockerd has said, over all its lives."""
        return self.log.read_text(errors="replace").splitlines()

    def tail(self, lines: int = 8) -> str:
        """Return the last of what it said that was no mere information."""
        said = [
            line for line in self.lines() if "level=info" not in line and " plugin=" not in line
        ]
        return "\n".join(said[-lines:])

    def _begin(self, leader: int) -> None:
        self._said_before = self.log.stat().st_size if self.log.exists() else 0
        self._process = Process(
            [
                *("nsenter", f"--target={leader}"),
                *("--mount", "--net", "--pid", "--uts", "--ipc", "--"),
                *("dockerd", f"--host=unix://{SOCKET}"),
                "--exec-opt=native.cgroupdriver=cgroupfs",
                f"--cgroup-parent={self._cgroup}",
                *self.options,
            ],
            log=self.log,
            lab=self._lab,
        )
        self._pid = self._process.child()

    def _answers(self, leader: int) -> bool:
        if not self.running:
            if _IMPATIENCE in self._last_words():
                self._begin(leader)
                return False
            raise DeadlineError(f"dockerd ended at once (log {self.log})\n{self.tail()}")
        try:
            return bool(get_json(Path(f"/proc/{leader}/root{SOCKET}"), "/version"))
        except OSError:
            return False

    def _last_words(self) -> str:
        """Return what it has said in this life."""
        return self.log.read_bytes()[self._said_before :].decode(errors="replace")


def connect(leader: int) -> docker.DockerClient:
    """Return a client of the engine in the host of this PID 1."""
    return docker.DockerClient(base_url=f"unix:///proc/{leader}/root{SOCKET}", timeout=90)
