"""What an operator does after an accident: remove everything, however often it takes.

Some of it is the engine's own: one that was killed may keep endpoints of containers that are
gone, and refuses to remove their network until they are disconnected or it is restarted.  And
it may have been killed between pynet's answer and its own note of it: then only pynet knows
the network, or the pool, until `pynet gc`.
"""

import json
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, DeadlineError, run, wait_until
from tests.lab.dockerd import SOCKET as ENGINE_SOCKET
from tests.lab.host import Host
from tests.lab.installed import Installed

ATTEMPTS_SECONDS: Final = 60.0
ORPHANS_SECONDS: Final = 180.0  # a pool counts as forgotten when it is a minute old
RESTARTED: Final = "dockerd restarted because it did not let go"
DISCONNECTED: Final = "stale endpoints of the engine disconnected"
ORPHANS: Final = "networks and pools that the engine had forgotten"


class Cleaner:
    """Cleans an engine up with docker commands, and counts what was more than that."""

    def __init__(self, host: Host, installed: Installed) -> None:
        self.deeds: Counter[str] = Counter()
        self.evidence: list[str] = []
        self._host = host
        self._installed = installed

    def clean(self) -> None:
        """Remove everything; restart dockerd if it does not let go otherwise.

        Raises:
            DeadlineError: even then it did not.

        """
        try:
            self._remove_all()
        except DeadlineError:
            self.deeds[RESTARTED] += 1
            self._host.restart_docker()
            self._remove_all()
        self._collect_orphans()

    def _remove_all(self) -> None:
        wait_until(self._no_containers, "the end of all containers", deadline=ATTEMPTS_SECONDS)
        wait_until(self._no_networks, "the end of all networks", deadline=ATTEMPTS_SECONDS)

    def _no_containers(self) -> bool:
        there = self._list("ps", "-aq")
        if there:
            self._try("rm", "-f", *there)
        return not there

    def _no_networks(self) -> bool:
        there = self._list("network", "ls", "-q", "--filter", "type=custom")
        for network in there:
            if not self._try("network", "rm", network):
                self._disconnect_all(network)
        return not there

    def _disconnect_all(self, network: str) -> None:
        with suppress(CommandError):
            found = json.loads(self._host.docker("network", "inspect", network))[0]
            for endpoint in found["Containers"].values():
                self.deeds[DISCONNECTED] += 1
                self._try("network", "disconnect", "-f", network, endpoint["Name"])

    def _collect_orphans(self) -> None:
        """The engine has no networks any more; what pynet still knows, the engine has forgotten."""
        found = self._orphans()
        self.deeds[ORPHANS] += len(found)
        self.evidence += [f"only pynet knows {each}" for each in found]
        if found:
            wait_until(self._without_orphans, "an end of orphans", deadline=ORPHANS_SECONDS)

    def _without_orphans(self) -> bool:
        self._collect_garbage()
        return not self._orphans()

    def _orphans(self) -> list[str]:
        ask = self._installed.ask
        networks = [f"network {each}" for each in ask("/v1/networks")]
        return networks + [f"pool {each}" for each in ask("/v1/pools")]

    def _collect_garbage(self) -> None:
        # The way to the socket of a managed plugin is too long for connect().
        with tempfile.TemporaryDirectory() as folder:
            short = Path(folder) / "run"
            short.symlink_to(self._installed.admin_socket.parent)
            env = {
                **self._host.lab.env,
                "PYNET_ADMIN_SOCKET": str(short / self._installed.admin_socket.name),
                "DOCKER_HOST": f"unix://{self._host.path(ENGINE_SOCKET)}",
            }
            # An engine without networks does not show that it is pynet's own.
            garbage = self._installed.ask("/v1/garbage")
            orphans = [*garbage["idle"], *(each["id"] for each in garbage["pools"])]
            named = [word for each in orphans for word in ("--forgotten", each)]
            with suppress(CommandError):  # the tick may have been faster
                run([f"{sys.prefix}/bin/pynet", "gc", *named], env=env)

    def _list(self, *command: str) -> list[str]:
        try:
            return self._host.docker(*command).split()
        except CommandError as error:
            self.evidence.append(str(error))
            return ["?"]

    def _try(self, *command: str) -> bool:
        try:
            self._host.docker(*command)
        except CommandError as error:
            self.evidence.append(str(error))
            return False
        return True
