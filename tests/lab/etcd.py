"""Three members of Debian's etcd on a machine of the lab, and what can befall them."""

import json
import os
import shutil
import signal
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

from etcdgw import Client, Settings, parse_members
from tests.lab.commands import wait_until
from tests.lab.namespace import Peer, enter
from tests.lab.netns import inside
from tests.lab.process import Process
from tests.lab.runs import Run

MEMBERS: Final = 3
_FIRST: Final = 2379


class Etcd:
    """Members that hosts of the fabric reach at the machine's address; their data is in memory."""

    def __init__(self, lab: Run, machine: Peer) -> None:
        self.netns = machine.netns
        self.address = machine.address
        self._data = Path(tempfile.mkdtemp(prefix="etcd", dir="/dev/shm"))
        self._lab = lab
        self._members: list[Process] = []
        self.urls = [f"http://{machine.address}:{_port(number)}" for number in range(MEMBERS)]
        self._members = [self._started(number) for number in range(MEMBERS)]
        self.wait_until_well()

    @property
    def setting(self) -> str:
        """What PYNET_ETCD is."""
        return ",".join(self.urls)

    def stop(self, *numbers: int) -> None:
        """They do nothing any more, and their connections stay."""
        self._signal(signal.SIGSTOP, numbers)

    def kill(self, number: int) -> None:
        """It is gone, until it is started again; what it has on disk stays."""
        self._members[number].end(signal.SIGKILL)

    def start(self, number: int) -> None:
        self._members[number] = self._started(number)

    def lose_everything(self) -> None:
        """All members begin anew, with nothing."""
        for member in self._members:
            member.end(signal.SIGKILL)
        for number in range(MEMBERS):
            shutil.rmtree(self._data / str(number))
        for number in range(MEMBERS):
            self.start(number)
        self.wait_until_well()

    def go_on(self) -> None:
        """All go on, and have a leader."""
        self._signal(signal.SIGCONT, tuple(range(MEMBERS)))
        self.wait_until_well()

    def leader(self) -> int:
        """Its number."""
        for number in range(MEMBERS):
            status = self._post(number, "maintenance/status", {})
            if status["leader"] == status["header"]["member_id"]:
                return number
        raise AssertionError

    def keys(self, prefix: str = "") -> dict[str, str]:
        """Return what pynet has there below a prefix, by key."""
        with inside(self.netns), closing(self._client()) as client:
            found = client.list(f"/pynet/1/{prefix}".encode()).items
        return {each.key.decode().removeprefix("/pynet/1/"): each.value.decode() for each in found}

    def size(self) -> int:
        """Bytes that a member's store has in use."""
        return int(self._post(0, "maintenance/status", {})["dbSizeInUse"])

    def end(self) -> None:
        self._signal(signal.SIGCONT, tuple(range(MEMBERS)))
        for member in self._members:
            member.end(signal.SIGKILL)
        shutil.rmtree(self._data)

    def wait_until_well(self) -> None:
        """Each member answers, and knows a leader."""
        for number in range(MEMBERS):
            wait_until(partial(self._is_well, number), f"etcd member {number}")

    def _started(self, number: int) -> Process:
        url, peer = self.urls[number], _peer(number)
        named = ",".join(f"n{each}={_peer(each)}" for each in range(MEMBERS))
        return Process(
            enter(
                self.netns,
                *("etcd", "--name", f"n{number}", "--data-dir", f"{self._data}/{number}"),
                *("--listen-client-urls", url, "--advertise-client-urls", url),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", named, "--initial-cluster-state", "new"),
            ),
            log=self._lab.directory / f"etcd{number}.log",
            lab=self._lab,
            settings={"ETCD_LOG_LEVEL": "error"},
        )

    def _is_well(self, number: int) -> bool:
        try:
            self._post(number, "kv/range", {"key": "AA=="})
        except OSError:
            return False
        return True

    def _client(self) -> Client:
        return Client(Settings(members=parse_members(self.setting), timeout=20.0))

    def _post(self, number: int, path: str, message: dict[str, Any]) -> dict[str, Any]:
        request = Request(f"{self.urls[number]}/v3/{path}", json.dumps(message).encode())
        with inside(self.netns), urlopen(request, timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
        return found

    def _signal(self, what: signal.Signals, numbers: tuple[int, ...]) -> None:
        for number in numbers:
            if self._members[number].running:
                os.kill(self._members[number].pid, what)


def peer_port(number: int) -> int:
    """Where it hears the others, on the machine's loopback link."""
    return _port(number) + 1


def _peer(number: int) -> str:
    return f"http://127.0.0.1:{peer_port(number)}"


def _port(number: int) -> int:
    return _FIRST + 10 * number
