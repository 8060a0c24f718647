"""The managed plugin's tar of a release: used by an engine, and started as another architecture."""

import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.lab.commands import run
from tests.lab.debian import CACHE, locked, mirror
from tests.lab.host import IMAGE, Host
from tests.lab.installed import REPOSITORY
from tests.lab.managed import MANAGED_NAME

QEMU = "qemu-aarch64-static"
ON_NFTABLES = "import ctypes, plugin.bootstrap; ctypes.CDLL('libnftables.so.1'); print('loaded')"


def plugin(arch: str, folder: Path) -> Path:
    """Make the tar as `make release` does, unpack it there and return the plugin's directory."""
    script = REPOSITORY / "packaging/rootfs.py"
    with locked("release"):
        made = run(
            [
                *(sys.executable, str(script), f"--arch={arch}", f"--mirror={mirror()}"),
                *(f"--work={CACHE / 'release'}", f"--out={folder}"),
            ],
            timeout=900,
        )
    with tarfile.open(made.strip()) as tar:
        tar.extractall(folder / "plugin", filter="fully_trusted")
    return folder / "plugin"


def test_an_engine_runs_the_tar(plain: Host) -> None:
    """`docker plugin create` takes it as it is unpacked."""
    folder = plain.path("/root/tmp-plugin")
    folder.mkdir()
    plugin("amd64", folder)
    plain.docker("plugin", "create", MANAGED_NAME, "/root/tmp-plugin/plugin", timeout=300)
    plain.docker("plugin", "enable", MANAGED_NAME)
    try:
        plain.docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "lan")
        plain.docker(
            "run", "-d", "--network", "lan", "--name", "one", "-p", "80:80", IMAGE, "sleep", "999"
        )

        assert "1 packets received" in plain.docker(
            *("run", "--rm", "--network", "lan", IMAGE, "ping", "-c", "1", "one")
        )
    finally:
        plain.docker("rm", "-f", "one")
        plain.docker("network", "rm", "lan")
        plain.docker("plugin", "disable", "-f", MANAGED_NAME)
        plain.docker("plugin", "rm", MANAGED_NAME)


@pytest.mark.skipif(not shutil.which(QEMU), reason="needs qemu-user-static")
def test_the_one_for_arm64_starts(tmp_path: Path) -> None:
    """Its Python, its libraries and libnftables are there and of one architecture."""
    root = plugin("arm64", tmp_path) / "rootfs"
    shutil.copy(str(shutil.which(QEMU)), root / "qemu")
    python = ["chroot", str(root), "/qemu", "/usr/bin/python3", "-I"]

    version = run([*python, "/usr/local/bin/pynet", "--version"])
    loaded = run([*python, "-c", f"import sys; sys.path.insert(0, '/opt/pynet'); {ON_NFTABLES}"])

    assert "0.2.0" in version
    assert loaded == "loaded\n"
