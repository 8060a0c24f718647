"""Read the host, pynet and the engine for the checks, each thing once.

What cannot be read raises UnseenError, and the check that asked is named as not made.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from plugin.errors import HostError, PynetError
from plugin.operator.doctor.seen import (
    Names,
    SeenContainer,
    SeenNetwork,
    SeenPort,
    seen_containers,
    seen_networks,
    seen_ports,
)
from plugin.operator.doctor.tables import FilterTable, parse_filter
from plugin.operator.programs import run
from plugin.sockets import are_of_managed

_SECONDS: Final = 20.0
_SYSCTLS: Final = Path("/proc/sys")


class UnseenError(PynetError):
    """Something that a check needs cannot be looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """How pynet and Docker are set up here.

    ``root`` is where dockerd sees its files, ``sockets`` is where pynet should listen, and
    ``dns_options`` are the name servers on dockerd's command line.
    """

    root: Path = Path("/")
    state: Path = Path("/var/lib/pynet")
    settings: Mapping[str, str] = field(default_factory=dict)
    sockets: tuple[str, ...] = ()
    dns_options: tuple[str, ...] = ()


class Host:
    """One host, as it was when each part was first asked for."""

    def __init__(
        self, *, plugin: Callable[[str, str], Any], engine: Callable[[str], Any], setup: Setup
    ) -> None:
        self.setup = setup
        self._plugin = plugin
        self._engine = engine
        self._silent: PynetError | None = None  # why pynet does not answer
        self._answers: dict[str, Any] = {}

    def ask(self, path: str, method: str = "GET") -> Any:
        """What pynet answers.  Raises UnseenError; one failure is enough."""
        if self._silent is not None:
            raise UnseenError(str(self._silent)) from self._silent
        if method == "GET" and path in self._answers:
            return self._answers[path]
        try:
            answer = self._plugin(path, method)
        except PynetError as error:
            self._silent = error
            raise UnseenError(str(error)) from error
        if method == "GET":
            self._answers[path] = answer
        return answer

    @property
    def unanswered(self) -> PynetError | None:
        """Why pynet does not answer."""
        try:
            self.ask("/health")
        except UnseenError:
            return self._silent
        return None

    def ask_engine(self, path: str) -> Any:
        """What the engine answers.  Raises UnseenError."""
        key = f"engine {path}"
        if self._answers.get("engine", True) and key not in self._answers:
            self._answers[key] = self._engine(path)
            if self._answers[key] is None and path == "/version":
                self._answers["engine"] = False
        if self._answers.get(key) is None:
            if are_of_managed(self.setup.sockets):
                raise UnseenError("the managed plugin sees no engine: run it on the host")
            raise UnseenError("no engine answers")
        return self._answers[key]

    @cached_property
    def names(self) -> Names:
        """Names, or none if no engine tells."""
        try:
            containers = self.containers
            networks = self.ask_engine("/networks")
        except UnseenError:
            return Names()
        return Names(
            {each["Id"]: each.get("Name", "") for each in networks},
            {endpoint: each.name for each in containers for endpoint in each.endpoints},
        )

    @cached_property
    def networks(self) -> tuple[SeenNetwork, ...]:
        """The networks of pynet.  Raises UnseenError."""
        return tuple(seen_networks(self.ask("/v1/networks"), self.names))

    @cached_property
    def ports(self) -> tuple[SeenPort, ...]:
        """The published ports.  Raises UnseenError."""
        return tuple(seen_ports(self.ask("/v1/ports")))

    @cached_property
    def containers(self) -> tuple[SeenContainer, ...]:
        """The containers of the engine.  Raises UnseenError."""
        return tuple(seen_containers(self.ask_engine("/containers/json?all=1")))

    @cached_property
    def links(self) -> dict[str, dict[str, Any]]:
        """Links by name, each with its addresses, as ``ip -json -details address`` tells."""
        found = self._json("ip", "-json", "-details", "address")
        return {each["ifname"]: each for each in found if "ifname" in each}

    def received(self, ifname: str) -> int:
        """How many frames a link has received since it was made.  Raises UnseenError."""
        (found,) = self._json("ip", "-json", "-statistics", "link", "show", "dev", ifname)
        return int(found["stats64"]["rx"]["packets"])

    @cached_property
    def routes(self) -> list[dict[str, Any]]:
        """Routes of all tables and both families."""
        return [
            {"family": int(family), **each}
            for family in "46"
            for each in self._json("ip", f"-{family}", "-json", "route", "show", "table", "all")
        ]

    def filter_table(self, version: int) -> FilterTable:
        """The filter table of iptables, for IPv4 or IPv6.  Raises UnseenError."""
        name = "iptables-save" if version == 4 else "ip6tables-save"
        if name not in self._answers:
            self._answers[name] = parse_filter(self.run(name, "-c"))
        found: FilterTable = self._answers[name]
        return found

    def run(self, *command: str) -> str:
        """What a program prints.  Raises UnseenError."""
        try:
            done = run(command, _SECONDS)
        except HostError as error:
            raise UnseenError(str(error)) from error
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise UnseenError(f"{' '.join(command)}: {said or f'exit status {done.returncode}'}")
        return done.stdout

    def sysctl(self, name: str) -> str:
        """A kernel setting, by its path below /proc/sys; empty if the kernel has none."""
        try:
            return (_SYSCTLS / name).read_text().strip()
        except OSError:
            return ""

    def set_sysctl(self, name: str, value: str) -> None:
        """Change a kernel setting until the next boot.  Raises OSError."""
        (_SYSCTLS / name).write_text(value)

    def file(self, path: str) -> Path:
        """Where a file of the host's is seen."""
        return self.setup.root / path.lstrip("/")

    def read(self, path: str) -> str | None:
        """A file of the host's; None if there is none."""
        try:
            return self.file(path).read_text(errors="replace")
        except OSError:
            return None

    def write(self, path: str, text: str) -> None:
        """Make a file of the host's, whole, that all may read, and its folder.

        Raises FileExistsError if there is one, which is the user's, and OSError.
        """
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}-{os.getpid()}")
        try:
            draft.write_text(text)
            draft.chmod(0o644)
            file.hardlink_to(draft)
        finally:
            draft.unlink(missing_ok=True)

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows of a container.  Raises UnseenError."""
        found = self.ask_engine(f"/containers/{container}/json")
        return found if isinstance(found, dict) else {}

    def process_of(self, endpoint: str) -> Path:
        """The folder in /proc of the container that has an endpoint.  Raises UnseenError."""
        for each in self.containers:
            if endpoint in each.endpoints and each.state == "running":
                pid = self.inspect(each.id).get("State", {}).get("Pid", 0)
                path = self.file(f"/proc/{pid}")
                if pid and os.access(path / "net", os.R_OK):
                    return path
        raise UnseenError(f"the process of endpoint {endpoint[:12]} cannot be looked at")

    def _json(self, *command: str) -> Any:
        try:
            return json.loads(self.run(*command) or "[]")
        except ValueError as error:
            raise UnseenError(f"{' '.join(command)} printed no JSON: {error}") from error
