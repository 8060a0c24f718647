"""pynet on a host, and as a process beside dockerd: what the systemd unit starts."""

import shlex
import signal
import socket
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.lab.commands import PATIENCE, run, wait_until
from tests.lab.machine import Machine
from tests.lab.namespace import enter
from tests.lab.process import Process
from tests.lab.unix_http import get_json, post_json

REPOSITORY: Final = Path(__file__).parents[2]
SHORT_NAME: Final = "pynet"
# The capabilities of packaging/systemd/pynet.service: tests show that they suffice.
CAPABILITIES: Final = ("net_admin", "net_bind_service", "net_raw")
# A file of the host's in the place of this machine's.
WITH_RESOLVERS: Final = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


class Installed(ABC):
    """A running pynet, asked and told the same whichever way it runs."""

    driver: str

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    @property
    @abstractmethod
    def admin_socket(self) -> Path:
        """Where this machine sees the admin socket."""

    @property
    @abstractmethod
    def state(self) -> Path:
        """Where this machine sees the state directory."""

    @abstractmethod
    def restart(self) -> None:
        """Stop it in an orderly way and start it again."""

    @abstractmethod
    def tail(self, lines: int = 20) -> str:
        """Return the end of its log."""

    def ask(self, uri: str) -> Any:
        return get_json(self.admin_socket, uri)

    def reconcile(self) -> None:
        """Have it compare the host with what it should hold, before the next tick."""
        post_json(self.admin_socket, "/v1/reconcile", None, timeout=30)

    def wait_ready(self, *, deadline: float = PATIENCE) -> None:
        """Wait until it has finished starting, healthy or not."""
        wait_until(self._answers, f"pynet on {self.machine.name}", deadline=deadline)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("/health")["status"] != "starting")
        except OSError:
            return False


class PluginProcess(Installed):
    """`pynet serve` of this tree in the network namespace of a host."""

    driver = SHORT_NAME

    def __init__(self, machine: Machine, program: Sequence[str] = (), **settings: str) -> None:
        super().__init__(machine)
        self._program, self._settings = tuple(program) or (f"{sys.prefix}/bin/pynet",), settings
        self._process: Process | None = None
        self._folder.mkdir(exist_ok=True)

    @property
    def admin_socket(self) -> Path:
        return self._folder / "admin.sock"

    @property
    def state(self) -> Path:
        return self._folder / "state"

    @property
    def socket(self) -> Path:
        return self.machine.plugin_folder / f"{self.driver}.sock"

    @property
    def resolvers(self) -> Path:
        """What it takes for /etc/resolv.conf, if it was there at the start."""
        return self._folder / "resolv.conf"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def start(self, *, wait: bool = True) -> None:
        """Start it; wait for its sockets unless told not to."""
        self.socket.parent.mkdir(parents=True, exist_ok=True)
        resolvers = ("unshare", "--mount", "sh", "-c", WITH_RESOLVERS, str(self.resolvers))
        own_name = ("nsenter", f"--uts={self.machine.netns.with_name('uts')}", "--")
        self._process = Process(
            enter(
                self.machine.netns,
                *own_name,
                *(resolvers if self.resolvers.exists() else ()),
                *("setpriv", f"--bounding-set=-all,{','.join(f'+{c}' for c in CAPABILITIES)}"),
                *(*self._program, "serve"),
            ),
            log=self._folder / "pynet.log",
            lab=self.machine.lab,
            settings={
                "PYNET_STATE": str(self.state),
                "PYNET_PLUGIN_SOCKETS": str(self.socket),
                "PYNET_ADMIN_SOCKET": str(self.admin_socket),
                "PYNET_LOG_LEVEL": "debug",
                **self._settings,
            },
        )
        if wait:
            self.wait_ready()

    @property
    def answers_engine(self) -> bool:
        """Whether a process, this one or another, serves the engine on the socket."""
        with socket.socket(socket.AF_UNIX) as asker:
            return asker.connect_ex(str(self.socket)) == 0

    @contextmanager
    def instead(self, name: str, *, resolver: str = "", **settings: str) -> Iterator[None]:
        """Be another pynet for the block: with a name, a memory and settings of its own.

        An engine asks a name that it has not met what it can and requires.
        """
        before = self.driver, self._settings
        self.end()
        self.driver, self._settings = name, settings
        self._folder.mkdir()
        if resolver:
            self.resolvers.write_text(f"nameserver {resolver}\n")
        try:
            self.start()
            yield
        finally:
            self.end()
            self.socket.unlink(missing_ok=True)
            self.driver, self._settings = before
            self.start()

    def restart_with(self, **settings: str) -> None:
        """Restart it with settings that differ."""
        self._settings = {**self._settings, **settings}
        self.restart()

    def call(self, method: str, body: Any = None) -> dict[str, Any]:
        """Call a method as the engine does; return the answer, which may be a refusal."""
        answer: dict[str, Any] = post_json(self.socket, f"/{method}", body)
        return answer

    def command(self, *arguments: str, **settings: str) -> str:
        """Run `pynet` as an administrator of the machine does; return what it printed."""
        own = {"PYNET_ADMIN_SOCKET": str(self.admin_socket), "PYNET_STATE": str(self.state)}
        env = {**self.machine.lab.env, **own, **settings}
        return run(enter(self.machine.netns, f"{sys.prefix}/bin/pynet", *arguments), env=env)

    def uninstall(self) -> None:
        """End it and remove what it leaves for containers that outlive it."""
        self.end()
        self.socket.unlink(missing_ok=True)
        # In a transaction, because there may be no such table: nft 1.0.6 has no `destroy`.
        nft = enter(self.machine.netns, "nft", "-f", "-")
        run(nft, stdin="add table inet pynet\ndelete table inet pynet\n")
        for command in ("iptables", "ip6tables"):
            for rule in run(enter(self.machine.netns, command, "-w", "-S")).splitlines():
                if "--comment pynet " in rule:
                    delete = ["-D", *shlex.split(rule)[1:]]
                    run(enter(self.machine.netns, command, "-w", *delete))

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal, all of it, and wait until it is gone."""
        if self._process is not None:
            self._process.end(number)

    def restart(self) -> None:
        self.end()
        self.start()

    def tail(self, lines: int = 20) -> str:
        return self._process.tail(lines) if self._process else ""

    @property
    def _folder(self) -> Path:
        return self.machine.directory / self.driver

    def _answers(self) -> bool:
        if not self.running:
            raise RuntimeError(f"pynet ended at once:\n{self.tail()}")
        return super()._answers()
