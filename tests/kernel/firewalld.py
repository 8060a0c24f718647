"""A real firewalld in a namespace, on a bus of its own; nothing of it is installed.

Its packages would start it on this machine, so they are unpacked instead.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from plugin.errors import FirewallError
from plugin.firewall.dbus import SystemBus
from tests.kernel.netns import wait_until
from tests.lab.commands import run
from tests.lab.debian import CACHE, locked

_SERVICE: Final = "org.fedoraproject.FirewallD1"
_PATH: Final = "/org/fedoraproject/FirewallD1"
_PACKAGES: Final = ("firewalld", "python3-firewall")
_BUS: Final = """
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/>
  </policy>
</busconfig>
"""


class Firewalld:
    """Runs where the thread is that starts it; ``environ`` leads to its bus."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = root
        self._directory = directory
        self.environ = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={directory}/bus"}
        shutil.copytree(self._root / "etc/firewalld", directory / "firewalld")
        config = directory / "bus.conf"
        config.write_text(_BUS.format(path=directory / "bus"))
        self._bus = subprocess.Popen(["dbus-daemon", f"--config-file={config}", "--nofork"])
        wait_until((directory / "bus").exists, "the bus did not start")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        modules = self._root / "usr/lib/python3/dist-packages"
        environ = {**os.environ, **self.environ, "PYTHONPATH": os.fspath(modules)}
        argv = [
            *("/usr/bin/python3", os.fspath(self._root / "usr/sbin/firewalld")),
            *("--nofork", "--nopid", "--system-config", os.fspath(self._directory / "firewalld")),
            *("--default-config", os.fspath(self._root / "usr/lib/firewalld")),
        ]
        with (self._directory / "log").open("a") as log:
            self._process = subprocess.Popen(argv, env=environ, stdout=log, stderr=log)
        wait_until(self._answers, f"firewalld did not start: {self._directory}/log")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        self.stop()
        self._bus.terminate()
        self._bus.wait()

    def call(self, method: str, *texts: str) -> tuple[str, ...]:
        """Call a method of its, ``reload`` or ``zone.getZones``."""
        bus = SystemBus(60)
        try:
            return bus.call(_SERVICE, _PATH, f"{_SERVICE}.{method}", *texts)
        finally:
            bus.close()

    def _answers(self) -> bool:
        try:
            return bool(self.call("zone.getZones"))
        except FirewallError:
            return False


def ensure_firewalld() -> Path:
    """Return the folder that its packages are unpacked in; downloads them, so from no namespace."""
    root = CACHE / "firewalld"
    with locked(root.name):
        if not root.is_dir():
            building = root.with_suffix(".building")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            run(["apt-get", "download", "-q", *_PACKAGES], cwd=building)
            for package in building.glob("*.deb"):
                run(["dpkg-deb", "-x", str(package), str(building)])
            building.rename(root)
    return root
