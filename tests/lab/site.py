"""A host with pynet on it, used as a person uses it: with the docker command.

What a test makes here has names that occur once, and is removed at its end.
"""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Final

from docker import APIClient
from docker.errors import APIError

from tests.lab.clients import reaches
from tests.lab.commands import CommandError, run, wait_until
from tests.lab.host import IMAGE, Host
from tests.lab.installed import Installed
from tests.lab.namespace import enter

SLEEP: Final = ("sleep", "3600")
# Answers with the container's name.
WEB: Final = ("sh", "-c", "hostname >/www/index.html; exec httpd -f -h /www")
AT_A_TIME: Final = 8

_numbers = itertools.count(1)


class Site:
    """Networks and containers of one test, on one host."""

    def __init__(self, host: Host, installed: Installed) -> None:
        self.host = host
        self.installed = installed
        self._networks: list[str] = []
        self._containers: list[str] = []

    @property
    def driver(self) -> str:
        return self.installed.driver

    def docker(self, *arguments: str, timeout: float = 60) -> str:
        return self.host.docker(*arguments, timeout=timeout)

    def network(self, *options: str, ipam: bool = True, driver: str = "") -> str:
        """Create a network and return its name; with Docker's own IPAM or driver if told so."""
        name = f"net{next(_numbers)}"
        ipam_options = ("--ipam-driver", self.driver) if ipam else ()
        self._networks.append(name)
        self.docker("network", "create", "-d", driver or self.driver, *ipam_options, *options, name)
        return name

    def run(self, *options: str, command: tuple[str, ...] = SLEEP) -> str:
        """Start a container with these options of `docker run`; return its name.

        Its PID 1 does not end at a SIGTERM, which an engine that stops it would await for 10 s.
        """
        name = f"c{next(_numbers)}"
        self._containers.append(name)
        own = ("--name", name, "--hostname", name, "--stop-signal=KILL")
        self.docker("run", "-d", *own, *options, IMAGE, *command)
        return name

    def web(self, *options: str) -> str:
        """Start a container that serves its name on port 80, and wait until it does."""
        name = self.run(*options, command=WEB)
        self.answering(name)
        return name

    def answering(self, container: str) -> None:
        """Wait until a container serves HTTP on port 80.

        Looked at from outside: `docker exec` takes a tenth of a second of the processor.
        """
        wait_until(lambda: reaches(self.netns(container), "127.0.0.1", 80), f"{container}'s httpd")

    def exec(self, container: str, *argv: str) -> str:
        return self.docker("exec", container, *argv)

    def succeeds(self, container: str, *argv: str) -> bool:
        """Tell whether a command in a container ends with 0."""
        try:
            self.exec(container, *argv)
        except CommandError:
            return False
        return True

    def pings(self, container: str, target: object) -> bool:
        """Tell whether a target (an address or a name) answers a container.

        Names are asked for in the container, where Docker's server is; for an address the same
        program asks from its network namespace, which takes a tenth of the time.
        """
        ping = ("ping", "-c", "1", "-W", "1", str(target))
        try:
            ip_address(str(target))
        except ValueError:
            return self.succeeds(container, *ping)
        try:
            run(enter(self.netns(container), "busybox", *ping))
        except CommandError:
            return False
        return True

    def inspect(self, kind: str, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = json.loads(self.docker(kind, "inspect", name))
        return found[0]

    def address(self, container: str, network: str) -> IPv4Address:
        address = ip_address(self._attached(container, network)["IPAddress"])
        assert isinstance(address, IPv4Address)
        return address

    def address6(self, container: str, network: str) -> IPv6Address:
        address = ip_address(self._attached(container, network)["GlobalIPv6Address"])
        assert isinstance(address, IPv6Address)
        return address

    def netns(self, container: str) -> Path:
        """Return where this machine sees a container's network namespace."""
        seen = self.host.client.api.inspect_container(container)
        key: str = seen["NetworkSettings"]["SandboxKey"]
        # /var/run is a link to /run, and an absolute link leads out of the host's root.
        return self.host.path(key.removeprefix("/var"))

    def remove(self, *containers: str, timeout: float = 60) -> None:
        self.docker("rm", "-f", *containers, timeout=timeout)
        self._containers = [name for name in self._containers if name not in containers]

    def remove_network(self, name: str) -> None:
        self.docker("network", "rm", name)
        self._networks.remove(name)

    def forget(self) -> None:
        """Forget what was made: it has been removed in another way."""
        self._containers.clear()
        self._networks.clear()

    def clear(self) -> None:
        """Remove all that is still there."""
        api = self.host.client.api
        if self._containers:
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                list(pool.map(partial(_remove, api), self._containers))
        there = {each["Name"] for each in api.networks()}
        # The latest first: it may have an earlier one's configuration.
        for name in reversed(self._networks):
            if name in there:
                api.remove_network(name)

    def _attached(self, container: str, network: str) -> dict[str, Any]:
        seen = self.host.client.api.inspect_container(container)
        attached: dict[str, Any] = seen["NetworkSettings"]["Networks"][network]
        return attached


def _remove(api: APIClient, container: str) -> None:
    # Of one that never came to be it is an error.
    with suppress(APIError):
        api.remove_container(container, force=True)
