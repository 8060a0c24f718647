"""What the lab asks of a machine with Docker: a host of the lab, or this very one."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Final, Protocol

import docker

from tests.lab.commands import run
from tests.lab.namespace import ip_json
from tests.lab.runs import Run
from tests.lab.unix_http import get_json

HERE: Final = Path("/proc/self/ns/net")
DOCKER_SOCKET: Final = Path("/var/run/docker.sock")


class Machine(Protocol):
    """A machine with a Docker Engine."""

    name: str
    lab: Run
    directory: Path
    address: IPv4Address

    @property
    def plugin_folder(self) -> Path:
        """Where its engine looks for plugins."""

    @property
    def netns(self) -> Path:
        """Its network namespace."""

    @property
    def client(self) -> docker.DockerClient:
        """Its engine."""

    def enter(self, *argv: str) -> list[str]:
        """Return the command line that runs a program on it."""

    def docker(self, *arguments: str, timeout: float = 120) -> str:
        """Run the docker command; return what it printed."""


class ThisMachine:
    """The machine that the lab itself runs on, and its Docker."""

    def __init__(self, lab: Run) -> None:
        self.name = "this machine"
        self.lab = lab
        self.directory = lab.directory / "machine"
        self.directory.mkdir()
        self.netns = HERE
        self.plugin_folder = Path("/run/docker/plugins")
        self.client = docker.DockerClient(base_url=f"unix://{DOCKER_SOCKET}")
        self.address = _uplink_address()

    def enter(self, *argv: str) -> list[str]:
        return list(argv)

    def docker(self, *arguments: str, timeout: float = 120) -> str:
        return run(["docker", *arguments], timeout=timeout).strip()


def docker_answers() -> bool:
    """Tell whether this machine has a running Docker."""
    try:
        return bool(get_json(DOCKER_SOCKET, "/version"))
    except OSError:
        return False


def _uplink_address() -> IPv4Address:
    """Return the address that the default route goes out with; else the loopback's."""
    for route in ip_json(HERE, "-4", "route", "show", "default"):
        for link in ip_json(HERE, "-4", "address", "show", "dev", route["dev"]):
            for address in link["addr_info"]:
                return IPv4Address(address["local"])
    return IPv4Address("127.0.0.1")
