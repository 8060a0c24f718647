"""The disk of the state: full, read-only, missing, another's, damaged, of a later version.

A real plugin in namespaces of its own, whose state is on a small file system of memory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plugin.cli.client import UnixConnection
from tests.kernel.netns import Netns, wait_until
from tests.lab.unix_http import get_json

POOL = {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24"}
DATA = {**POOL, "Gateway": "10.7.0.1/24"}


def a_network(number: int = 1) -> dict[str, Any]:
    data = {"Pool": f"10.{number}.0.0/24", "Gateway": f"10.{number}.0.1/24", "AddressSpace": "L"}
    return {"NetworkID": f"{number:064x}", "Options": {}, "IPv4Data": [data], "IPv6Data": []}


class Plugin:
    """``pynet serve``, and the mounts that only it sees."""

    def __init__(self, netns: Netns, folder: Path) -> None:
        self.state = folder / "mount" / "state"
        self._socket = folder / "pynet.sock"
        self._admin = folder / "admin.sock"
        self._netns = netns
        self._log = (folder / "log").open("ab")
        (folder / "mount").mkdir()
        mount = f"mount -t tmpfs -o size=1m none {folder}/mount && exec sleep infinity"
        with netns.entered():
            self._mounts = subprocess.Popen(["unshare", "--mount", "sh", "-c", mount])
        self._mount_point = folder / "mount"
        wait_until(self._is_mounted, "no file system was mounted")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {
            **os.environ,
            "PYNET_STATE": str(self.state),
            "PYNET_PLUGIN_SOCKETS": str(self._socket),
            "PYNET_ADMIN_SOCKET": str(self._admin),
            "PYNET_TICK": "1",
        }
        with self._netns.entered():
            self._process = subprocess.Popen(
                self.enter(sys.executable, "-m", "plugin", "serve"),
                env=environ,
                cwd=Path(__file__).parents[2],
                stderr=self._log,
            )
        wait_until(self._answers, "the plugin does not answer")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def enter(self, *command: str) -> list[str]:
        """The command line that runs a program where the plugin's mounts are."""
        return ["nsenter", f"--mount=/proc/{self._mounts.pid}/ns/mnt", "--", *command]

    def sh(self, command: str) -> None:
        subprocess.run(self.enter("sh", "-ec", command), check=True, timeout=60)

    @contextmanager
    def keeping(self, name: str) -> Iterator[None]:
        """Another process has a transaction open on a database for the block."""
        code = (
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
            "c.execute('BEGIN IMMEDIATE'); print('kept', flush=True); sys.stdin.read()"
        )
        argv = self.enter(sys.executable, "-c", code, f"{self.state}/{name}")
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
            assert keeper.stdout
            assert keeper.stdout.readline() == b"kept\n"
            yield

    def call(self, method: str, body: Any = None) -> dict[str, Any]:
        """The answer, whatever its status."""
        connection = UnixConnection(self._socket)
        try:
            connection.request("POST", f"/{method}", json.dumps(body))
            answer: dict[str, Any] = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        return answer

    def create(self, number: int = 1) -> str:
        """What dockerd hears of it; empty if all is well."""
        return str(self.call("NetworkDriver.CreateNetwork", a_network(number)).get("Err", ""))

    def networks(self) -> list[str]:
        return [network["id"] for network in get_json(self._admin, "/v1/networks")]

    def complaints(self) -> dict[str, str]:
        health = get_json(self._admin, "/health")
        return {each["what"]: each["why"] for each in health["degraded"]}

    def wait_well(self) -> None:
        wait_until(lambda: get_json(self._admin, "/health")["status"] == "ok", "it does not heal")

    def wait_complaint(self, what: str) -> str:
        wait_until(lambda: what in self.complaints(), f"nothing is said of {what}")
        return self.complaints()[what]

    def close(self) -> None:
        self.stop()
        self._mounts.kill()
        self._mounts.wait(60)
        self._log.close()

    def inside(self, path: Path) -> Path:
        """Where the test sees a file of the plugin's mounts."""
        return Path(f"/proc/{self._mounts.pid}/root{path}")

    def _is_mounted(self) -> bool:
        mounts = Path(f"/proc/{self._mounts.pid}/mounts").read_text()
        return f" {self._mount_point} tmpfs " in mounts

    def _answers(self) -> bool:
        try:
            return bool(get_json(self._admin, "/health")["status"] != "starting")
        except OSError:
            return False


@pytest.fixture
def plugin(netns: Netns, tmp_path: Path) -> Iterator[Plugin]:
    """One that has not been started."""
    made = Plugin(netns, tmp_path)
    yield made
    made.close()


FULL = "dd if=/dev/zero of={0}/../fill bs=4k 2>/dev/null || true"
READ_ONLY = "mount -o remount,ro {0}/.."


class TestWhileItRuns:
    def test_a_disk_that_takes_no_more(self, plugin: Plugin) -> None:
        """Docker is told why; what there was is there afterwards, and it heals by itself."""
        plugin.start()
        plugin.wait_well()
        assert plugin.create(1) == ""
        plugin.sh(FULL.format(plugin.state))
        refusals = [plugin.create(number) for number in range(2, 20)]
        told = plugin.wait_complaint("state")
        plugin.sh(f"rm {plugin.state}/../fill")
        plugin.wait_well()
        left = plugin.networks()
        again = plugin.create(50)

        assert "pynet.db cannot be written: database or disk is full" in refusals[-1]
        assert "database or disk is full" in told
        refused = {f"{number:064x}" for number, text in enumerate(refusals, 2) if text}
        assert f"{1:064x}" in left
        assert not refused.intersection(left)
        assert again == ""

    def test_a_directory_that_is_moved_away(self, plugin: Plugin) -> None:
        """What is promised must be there after a restart, so nothing is promised."""
        plugin.start()
        plugin.wait_well()
        assert plugin.create(1) == ""
        plugin.sh(f"mv {plugin.state} {plugin.state}-aside")
        refusal = plugin.create(2)
        told = plugin.wait_complaint("state")
        plugin.sh(f"mv {plugin.state}-aside {plugin.state}")
        plugin.wait_well()

        assert "was removed while pynet runs" in refusal
        assert "was removed while pynet runs" in told
        assert plugin.networks() == [f"{1:064x}"]


class TestAtStart:
    @pytest.mark.parametrize(
        ("spoil", "repair", "said"),
        [
            ("mkdir -p {0} && " + FULL, "rm {0}/../fill", "full"),
            ("mkdir -p {0} && " + READ_ONLY, "mount -o remount,rw {0}/..", "cannot be written"),
            (READ_ONLY.replace("{0}/..", "$(dirname {0})"), None, "cannot be made: Read-only"),
            ("echo a file > {0}", "rm {0}", "is a file; set it to a directory"),
        ],
        ids=["full", "read-only", "missing on a read-only disk", "no directory"],
    )
    def test_a_place_that_cannot_be_used(
        self, plugin: Plugin, spoil: str, repair: str | None, said: str
    ) -> None:
        """It waits for it, and says to Docker and in the health what it waits for."""
        plugin.sh(spoil.format(plugin.state))
        plugin.start()
        told = plugin.wait_complaint("start")
        refusal = plugin.create(1)
        repair = repair or "mount -o remount,rw $(dirname {0})"
        plugin.sh(repair.format(plugin.state))
        plugin.wait_well()

        assert said in told
        assert refusal == f"pynet is not ready: {told}"
        assert plugin.create(1) == ""

    def test_a_state_of_a_later_version_is_kept_for_it(self, plugin: Plugin) -> None:
        """It is neither read nor touched."""
        plugin.sh(f"mkdir -p {plugin.state}")
        path = plugin.inside(plugin.state) / "pynet.db"
        plugin.sh(
            f"{sys.executable} -c 'import sqlite3; "
            f'sqlite3.connect("{plugin.state}/pynet.db").execute("PRAGMA user_version = 99")\''
        )
        before = path.read_bytes()
        plugin.start()

        assert "was written by a newer pynet (format 99" in plugin.wait_complaint("start")
        assert path.read_bytes() == before

    def test_a_damaged_state_is_not_touched(self, plugin: Plugin) -> None:
        """The user may be able to repair it, or has a backup."""
        plugin.sh(
            f"mkdir -p {plugin.state} && yes damaged | head -c 9000 > {plugin.state}/pynet.db"
        )
        path = plugin.inside(plugin.state) / "pynet.db"
        before = path.read_bytes()
        plugin.start()
        told = plugin.wait_complaint("start")

        assert "pynet.db cannot be opened: file is not a database" in told
        assert path.read_bytes() == before


def test_a_database_that_another_process_keeps(plugin: Plugin) -> None:
    """An administrator with a transaction open: calls end with an error, and the rest goes on."""
    plugin.start()
    plugin.wait_well()
    with plugin.keeping("ipam.db"):
        refusal = plugin.call("IpamDriver.RequestPool", POOL)
        handshake = plugin.call("Plugin.Activate")

    assert "database is locked" in refusal["Error"]
    assert handshake["Implements"] == ["NetworkDriver", "IpamDriver"]
    plugin.wait_well()
    assert not plugin.call("IpamDriver.RequestPool", POOL).get("Error")
