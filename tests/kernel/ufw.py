"""A real ufw for a namespace; nothing of it is installed: its package would change this machine's firewall at boot."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.lab.commands import run
from tests.lab.debian import CACHE, locked

_MODULES: Final = "usr/lib/python3/dist-packages"


class Ufw:
    """Works where the thread is that calls it; its files are in a directory of the test's."""

    def __init__(self, root: Path, directory: Path) -> None:
        self._root = directory / "ufw"
        shutil.copytree(root, self._root)
        for each in (self._root / "usr/share/ufw").glob("*.rules"):
            shutil.copy(each, self._root / "etc/ufw")
        shutil.copy(self._root / "usr/share/ufw/ufw.conf", self._root / "etc/ufw")

    def __call__(self, *words: str) -> str:
        """Run a command of it, such as ``allow 22``."""
        own = (f"--rootdir={self._root}", f"--datadir={self._root}")
        argv = ["/usr/bin/python3", os.fspath(self._root / "usr/sbin/ufw"), *own, *words]
        env = {**os.environ, "PYTHONPATH": os.fspath(self._root / _MODULES)}
        done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"ufw {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout


def ensure_ufw() -> Path:
    """Return the folder that its package is unpacked in; downloads it, so from no namespace."""
    root = CACHE / "ufw"
    with locked(root.name):
        if not root.is_dir():
            building = root.with_suffix(".building")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            run(["apt-get", "download", "-q", "ufw"], cwd=building)
            for package in building.glob("*.deb"):
                run(["dpkg-deb", "-x", str(package), str(building)])
                package.unlink()
            building.rename(root)
    return root
