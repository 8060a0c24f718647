"""The engine's HTTP API on a kept connection, as the docker command uses it.

The command itself takes 20 ms and more to start, with a spread wider than what
two network drivers differ by; the requests here are those that it sends.
"""

import http.client
import json
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Self

from tests.lab.host import Host

IMAGE: Final = "busybox:local"
TIMEOUT: Final = 60.0
NO_OPTIONS: Final[Mapping[str, str]] = {}


class EngineError(Exception):
    """The engine refused; the message has its words."""


class Engine:
    """One engine, asked over its socket."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._connection = _Connection(socket_path)

    @classmethod
    def of(cls, host: Host) -> Self:
        return cls(host.path("/run/docker.sock"))

    def create_network(
        self, name: str, driver: str, ipam: str = "default", options: Mapping[str, str] = NO_OPTIONS
    ) -> None:
        body = {"Name": name, "Driver": driver, "IPAM": {"Driver": ipam}, "Options": dict(options)}
        self._ask(self._connection, "POST", "/networks/create", body)

    def remove_network(self, name: str) -> None:
        self._ask(self._connection, "DELETE", f"/networks/{name}")

    def run(self, network: str, *ports: int) -> float:
        """Do what `docker run --rm` does with a command that ends at once; return the seconds."""
        started = time.perf_counter()
        container = self.create(network, *ports, command=("true",), remove=True)
        with closing(_Connection(self._path)) as waiting:
            # Asked before the start, as the command does: the container may be gone after it.
            waiting.request("POST", f"/containers/{container}/wait?condition=removed")
            answer = waiting.getresponse()
            self.start(container)
            answer.read()
        return time.perf_counter() - started

    def run_detached(self, network: str, *ports: int, command: tuple[str, ...]) -> str:
        """Do what `docker run -d` does; on a connection of its own, for many at once."""
        with closing(_Connection(self._path)) as connection:
            answer = self._ask(
                connection, "POST", "/containers/create", _container(network, ports, command)
            )
            container = str(answer["Id"])
            self._ask(connection, "POST", f"/containers/{container}/start")
        return container

    def create(
        self,
        network: str,
        *ports: int,
        command: tuple[str, ...],
        remove: bool = False,
        host_port: str = "",
    ) -> str:
        """Create a container with these ports published on one of the host's, or on any."""
        body = _container(network, ports, command, remove=remove, host_port=host_port)
        answer = self._ask(self._connection, "POST", "/containers/create", body)
        return str(answer["Id"])

    def start(self, container: str) -> None:
        """Start a container; on a connection of its own, for many at once."""
        with closing(_Connection(self._path)) as connection:
            self._ask(connection, "POST", f"/containers/{container}/start")

    def remove(self, container: str) -> None:
        """Kill and remove a container; on a connection of its own, for many at once."""
        with closing(_Connection(self._path)) as connection:
            self._ask(connection, "DELETE", f"/containers/{container}?force=1&v=1")

    def sandbox(self, container: str) -> Path:
        """Return where the host has the network namespace of a running container."""
        answer = self._ask(self._connection, "GET", f"/containers/{container}/json")
        # /var/run is a link to /run, and an absolute link leads out of the host's root.
        return Path(answer["NetworkSettings"]["SandboxKey"].removeprefix("/var"))

    def address(self, container: str, network: str) -> str:
        """Return the IPv4 address of a running container."""
        answer = self._ask(self._connection, "GET", f"/containers/{container}/json")
        return str(answer["NetworkSettings"]["Networks"][network]["IPAddress"])

    def version(self) -> str:
        return str(self._ask(self._connection, "GET", "/version")["Version"])

    def _ask(
        self,
        connection: "_Connection",
        method: str,
        uri: str,
        body: Mapping[str, object] | None = None,
    ) -> Any:
        text = None if body is None else json.dumps(body)
        connection.request(method, uri, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        data = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise EngineError(f"{method} {uri}: {answer.status} {data.decode().strip()}")
        return json.loads(data) if data else None


def _container(
    network: str,
    ports: Sequence[int],
    command: tuple[str, ...],
    *,
    remove: bool = False,
    host_port: str = "",
) -> dict[str, object]:
    """What the docker command asks for."""
    exposed: dict[str, object] = {f"{port}/tcp": {} for port in ports}
    return {
        "Image": IMAGE,
        "Cmd": command,
        "ExposedPorts": exposed,
        "HostConfig": {
            "NetworkMode": network,
            "AutoRemove": remove,
            "PortBindings": {port: [{"HostPort": host_port}] for port in exposed},
        },
    }


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
