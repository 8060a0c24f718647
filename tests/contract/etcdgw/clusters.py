"""Clusters of three members for etcdgw's contract: etcd itself, and one in memory.

Clients reach each member by a relay, which can lose what is sent.
"""

import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.request import Request, urlopen

import pytest

from etcdgw import Client, Member, Settings
from tests.fakes.etcd import FakeMember
from tests.fakes.etcd_store import EtcdStore
from tests.fakes.relay import Mode, Relay
from tests.kernel.netns import Netns, wait_until

MEMBERS: Final = 3
Reach = Callable[..., Client]  # makes a client of the members with these numbers, or of all
QUIET: Final = {"ETCD_LOG_LEVEL": "error", "PATH": os.environ["PATH"]}


@contextmanager
def place(kind: str) -> Iterator[Netns | None]:
    """A namespace to run etcd in, for which root is needed; ``fake`` needs none."""
    if kind == "fake":
        yield None
        return
    if os.geteuid():
        pytest.skip("needs root")
    netns = Netns()
    with netns.entered():
        yield netns
    netns.close()


class Cluster(Protocol):
    """Three members, and what can befall them."""

    relays: list[Relay]

    def stop(self, number: int) -> None:
        """The member does nothing any more, and its connections stay."""
        ...

    def go_on(self, number: int) -> None:
        """It goes on."""
        ...

    def lose_leader(self) -> None:
        """The first member has no leader any more; the others are silent."""
        ...

    def find_leader(self) -> None:
        """It has one again, and the others answer."""
        ...

    def compact(self, revision: int) -> None:
        """Forget what was before the revision."""
        ...

    def close(self) -> None: ...


def client(cluster: Cluster, *numbers: int, timeout: float = 10.0) -> Client:
    """A client of these members, or of all."""
    ports = [cluster.relays[number].port for number in numbers or range(MEMBERS)]
    members = tuple(Member(host="127.0.0.1", port=port) for port in ports)
    return Client(Settings(members=members, timeout=timeout))


class FakeCluster:
    """Members that share a store in memory."""

    def __init__(self) -> None:
        self.store = EtcdStore()
        self.members = [FakeMember(self.store) for _ in range(MEMBERS)]
        self.relays = [Relay(member.port) for member in self.members]

    def stop(self, number: int) -> None:
        self.relays[number].mode = Mode.IS_SILENT

    def go_on(self, number: int) -> None:
        self.relays[number].mode = Mode.PASSES

    def lose_leader(self) -> None:
        for number in range(1, MEMBERS):
            self.stop(number)
        self.members[0].has_leader = False
        with self.store.changed:
            self.store.changed.notify_all()

    def find_leader(self) -> None:
        self.members[0].has_leader = True
        for number in range(1, MEMBERS):
            self.go_on(number)

    def compact(self, revision: int) -> None:
        self.store.compact({"revision": revision})

    def close(self) -> None:
        for relay in self.relays:
            relay.refuse()
        for member in self.members:
            member.close()


class EtcdCluster:
    """Three processes of Debian's etcd, in the namespace that the thread is in."""

    def __init__(self, netns: Netns) -> None:
        self._netns = netns
        self._data = Path(tempfile.mkdtemp(prefix="etcd", dir="/dev/shm"))
        self._members: list[subprocess.Popen[bytes]] = []
        names = [f"n{number}=http://127.0.0.1:{peer_port(number)}" for number in range(MEMBERS)]
        for number in range(MEMBERS):
            clients, peers = (
                f"http://127.0.0.1:{port(number)}" for port in (client_port, peer_port)
            )
            self._members.append(
                subprocess.Popen(
                    [
                        *("etcd", "--name", f"n{number}", "--data-dir", self._data / f"n{number}"),
                        *("--listen-client-urls", clients, "--advertise-client-urls", clients),
                        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                        *("--initial-cluster", ",".join(names), "--initial-cluster-state", "new"),
                    ],
                    env=QUIET,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        self.relays = [Relay(client_port(number)) for number in range(MEMBERS)]
        self._wait_until_well()

    def stop(self, number: int) -> None:
        self._members[number].send_signal(signal.SIGSTOP)

    def go_on(self, number: int) -> None:
        self._members[number].send_signal(signal.SIGCONT)

    def lose_leader(self) -> None:
        for number in range(1, MEMBERS):
            self.stop(number)

    def find_leader(self) -> None:
        for number in range(MEMBERS):
            self.go_on(number)
        self._wait_until_well()

    def compact(self, revision: int) -> None:
        post(f"http://127.0.0.1:{client_port(0)}/v3/kv/compaction", {"revision": revision})

    def close(self) -> None:
        for relay in self.relays:
            relay.refuse()
        for member in self._members:
            member.kill()
            member.wait()
        shutil.rmtree(self._data)

    def _wait_until_well(self) -> None:
        for number in range(MEMBERS):
            wait_until(
                lambda n=number: answers(f"http://127.0.0.1:{client_port(n)}"), f"member {number}"
            )


def post(
    url: str,
    message: dict[str, Any],
    context: ssl.SSLContext | None = None,
    token: str = "",
) -> dict[str, object]:
    """What etcdgw has no call for."""
    headers = {"Authorization": token} if token else {}
    request = Request(url, json.dumps(message).encode(), headers)
    with urlopen(request, timeout=60, context=context) as answer:
        found: dict[str, object] = json.load(answer)
    return found


def answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    try:
        post(f"{url}/v3/kv/range", {"key": "AA=="}, context)
    except OSError:
        return False
    return True


def client_port(number: int) -> int:
    return 2379 + 10 * number


def peer_port(number: int) -> int:
    return 2380 + 10 * number
