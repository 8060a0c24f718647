"""Clusters of three members for etcdgw's contract: etcd itself, and one in memory.

Clients reach each member by a relay, which can lose what is sent.
"""

import base64
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.request import Request, urlopen

from etcdgw import Client, Credentials, Member, Settings, Tls
from tests.fakes.etcd import EtcdStore, FakeMember
from tests.fakes.relay import Mode, Relay
from tests.kernel.netns import Netns, wait_until

MEMBERS: Final = 3
Reach = Callable[..., Client]  # makes a client of the members with these numbers, or of all
_QUIET: Final = {"ETCD_LOG_LEVEL": "error", "PATH": os.environ["PATH"]}


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
        names = [f"n{number}=http://127.0.0.1:{_peer(number)}" for number in range(MEMBERS)]
        for number in range(MEMBERS):
            clients, peers = (f"http://127.0.0.1:{port(number)}" for port in (_port, _peer))
            self._members.append(
                subprocess.Popen(
                    [
                        *("etcd", "--name", f"n{number}", "--data-dir", self._data / f"n{number}"),
                        *("--listen-client-urls", clients, "--advertise-client-urls", clients),
                        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers),
                        *("--initial-cluster", ",".join(names), "--initial-cluster-state", "new"),
                    ],
                    env=_QUIET,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
        self.relays = [Relay(_port(number)) for number in range(MEMBERS)]
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
        post(f"http://127.0.0.1:{_port(0)}/v3/kv/compaction", {"revision": revision})

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
                lambda n=number: _answers(f"http://127.0.0.1:{_port(n)}"), f"member {number}"
            )


class Guarded(Protocol):
    """A member that asks who is there."""

    settings: Settings
    named: Tls | None  # with a client certificate that has a CommonName, where there are any

    def forget_tokens(self) -> None:
        """Have every token refused that was given so far."""
        ...

    def close(self) -> None: ...


class GuardedFake:
    """In memory: users, and no certificates."""

    named: Tls | None = None

    def __init__(self, user: Credentials | None) -> None:
        self.store = EtcdStore(users={user.user: user.password} if user else {})
        self.member = FakeMember(self.store)
        members = (Member(host="127.0.0.1", port=self.member.port),)
        self.settings = Settings(members=members, credentials=user, timeout=10.0)

    def forget_tokens(self) -> None:
        self.store.tokens.clear()

    def close(self) -> None:
        self.member.close()


class GuardedEtcd:
    """One member of etcd with certificates of its own CA, client certificates and users."""

    def __init__(self, user: Credentials) -> None:
        self._data = Path(tempfile.mkdtemp(prefix="etcd", dir="/dev/shm"))
        self._user = user.user
        _make_certificates(self._data)
        url, peer = f"https://127.0.0.1:{_port(0)}", f"http://127.0.0.1:{_peer(0)}"
        self._member = subprocess.Popen(
            [
                *("etcd", "--name", "n0", "--data-dir", self._data / "n0"),
                *("--listen-client-urls", url, "--advertise-client-urls", url),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"n0={peer}", "--client-cert-auth"),
                *("--trusted-ca-file", self._data / "ca.pem"),
                *("--cert-file", self._data / "own.pem", "--key-file", self._data / "own.key"),
            ],
            env=_QUIET,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = url
        self._context = ssl.create_default_context(cafile=self._data / "ca.pem")
        self._context.load_cert_chain(self._data / "client.pem", self._data / "client.key")
        wait_until(lambda: _answers(url, self._context), "the member does not answer")
        self._add_users(user)
        self.settings = Settings(
            members=(Member(host="127.0.0.1", port=_port(0), encrypted=True),),
            tls=Tls(
                ca=self._data / "ca.pem",
                certificate=self._data / "client.pem",
                key=self._data / "client.key",
            ),
            credentials=user,
            timeout=10.0,
        )
        self.named: Tls | None = replace(
            self.settings.tls, certificate=self._data / "own.pem", key=self._data / "own.key"
        )

    def forget_tokens(self) -> None:
        """Every change of users or roles makes tokens old."""
        root = self._auth("authenticate", {"name": "root", "password": "root"}, "")["token"]
        role = {"name": f"new{time.monotonic_ns()}"}
        self._auth("role/add", role, str(root))
        self._auth("user/grant", {"user": self._user, "role": role["name"]}, str(root))

    def close(self) -> None:
        self._member.kill()
        self._member.wait()
        shutil.rmtree(self._data)

    def _add_users(self, user: Credentials) -> None:
        key = base64.b64encode(b"/pynet/").decode()
        end = base64.b64encode(b"/pynet0").decode()
        permission = {"permType": "READWRITE", "key": key, "range_end": end}
        for path, message in (
            ("user/add", {"name": "root", "password": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("role/add", {"name": "pynet"}),
            ("role/grant", {"name": "pynet", "perm": permission}),
            ("user/add", {"name": user.user, "password": user.password}),
            ("user/grant", {"user": user.user, "role": "pynet"}),
            ("enable", {}),
        ):
            self._auth(path, message, "")

    def _auth(self, path: str, message: dict[str, Any], token: str) -> dict[str, object]:
        return post(f"{self._url}/v3/auth/{path}", message, self._context, token)


def _make_certificates(folder: Path) -> None:
    """A CA, and what it signed: the member's own, and a client's, which has no CommonName."""
    new = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    signed = (
        *("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"),
    )
    for name, subject, options in (
        ("ca", "/CN=ca", ()),
        ("own", "/CN=own", signed),
        ("client", "/O=pynet", signed),
    ):
        files = ("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
        subprocess.run(
            [*new, "-nodes", "-days", "2", "-subj", subject, *files, *options],
            check=True,
            capture_output=True,
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


def _answers(url: str, context: ssl.SSLContext | None = None) -> bool:
    try:
        post(f"{url}/v3/kv/range", {"key": "AA=="}, context)
    except OSError:
        return False
    return True


def _port(number: int) -> int:
    return 2379 + 10 * number


def _peer(number: int) -> int:
    return 2380 + 10 * number
