"""A member that asks for certificates and users: etcd itself, and one in memory."""

import base64
import shutil
import ssl
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from etcdgw import Credentials, Member, Settings, Tls
from tests.contract.etcdgw.clusters import QUIET, answers, client_port, peer_port, post
from tests.fakes.etcd import FakeMember
from tests.fakes.etcd_store import EtcdStore
from tests.kernel.netns import wait_until


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
        url, peer = f"https://127.0.0.1:{client_port(0)}", f"http://127.0.0.1:{peer_port(0)}"
        self._member = subprocess.Popen(
            [
                *("etcd", "--name", "n0", "--data-dir", self._data / "n0"),
                *("--listen-client-urls", url, "--advertise-client-urls", url),
                *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
                *("--initial-cluster", f"n0={peer}", "--client-cert-auth"),
                *("--trusted-ca-file", self._data / "ca.pem"),
                *("--cert-file", self._data / "own.pem", "--key-file", self._data / "own.key"),
            ],
            env=QUIET,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = url
        self._context = ssl.create_default_context(cafile=self._data / "ca.pem")
        self._context.load_cert_chain(self._data / "client.pem", self._data / "client.key")
        wait_until(lambda: answers(url, self._context), "the member does not answer")
        self._add_users(user)
        self.settings = Settings(
            members=(Member(host="127.0.0.1", port=client_port(0), encrypted=True),),
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
