"""What the virtual machine boots: a kernel, and archives that are its root in memory.

The kernel unpacks one archive after the other: Debian with the kernel's modules,
the libraries of pynet and its tests, and this tree.  The first two are kept in the
cache under a digest of what they are made from; the last is made for every run.
"""

import configparser
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, run
from tests.lab.debian import CACHE, bootstrap, locked, progress

REPOSITORY: Final = Path(__file__).parents[2]
SUITE: Final = "bookworm"
PYTHON: Final = "3.11"  # the suite's
KERNEL: Final = "linux-image-cloud-amd64"  # small, and has every kind of network
PACKAGES: Final = (
    "python3",
    "kmod",
    "iproute2",
    "nftables",
    "libnftables1",
    "iptables",
    "conntrack",
    "iputils-ping",
    "tcpdump",
    "wireguard-tools",
    "procps",
    "busybox-static",
    "dnsmasq-base",
)
# Of the kernel's modules, and of Debian: memory is all that the machine has.
MODULES: Final = (
    "arch/x86/crypto",
    "crypto",
    "drivers/block",
    "drivers/net",
    "drivers/virtio",
    "fs/overlayfs",
    "lib",
    "net",
)
UNNEEDED: Final = (
    "boot",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/x86_64-linux-gnu/perl-base",
    "usr/share/bash-completion",
    "usr/share/i18n",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl5",
    "usr/share/zoneinfo",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
)
# What goes in anew for every run.
TREE: Final = (
    *("plugin", "ipam", "etcdgw", "tests", "setup.cfg", "pyproject.toml"),
    *("packaging", "Dockerfile", "config.json"),
)
# The guest's own; what it needs beyond what pynet does is the runner of its tests.
TREE_AT: Final = "pynet"
LIBRARIES_AT: Final = "usr/local/lib/pynet"
RUNNERS: Final = ("pytest", "docker")
DISK_SIZE: Final = "1G"  # of which only what is in use is kept
PYNET_AT: Final = "usr/bin/pynet"
COMMAND: Final = """#!/usr/bin/python3
import sys
from plugin.cli import main
sys.exit(main())
"""


def ensure_system() -> Path:
    """Return a directory with ``vmlinuz`` and ``root.cpio``, having made them if need be."""
    system = CACHE / f"vm-{_digest(SUITE, KERNEL, *PACKAGES, *MODULES, *UNNEEDED)}"
    if system.is_dir():
        return system
    with locked(system.name):
        if not system.is_dir():
            with progress("virtual machine", SUITE):
                _make_system(system)
    return system


def ensure_libraries() -> Path:
    """Return the archive of what ``setup.cfg`` asks for, having made it if need be."""
    wanted = requirements()
    archive = CACHE / f"vm-libraries-{_digest(PYTHON, *wanted)}.cpio"
    if archive.exists():
        return archive
    with locked(archive.stem), tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        target = Path(temporary) / LIBRARIES_AT
        guest = ("--python-version", PYTHON, "--only-binary", ":all:", "--target", str(target))
        run([*pip, *guest, *wanted], timeout=600)
        _pack(Path(temporary), ["."], archive)
    return archive


def requirements() -> list[str]:
    """What pip is asked for: the dependencies of pynet, and what runs its tests."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(REPOSITORY / "setup.cfg")
    runtime = setup["options"]["install_requires"]
    test = setup["options.extras_require"]["test"].split()
    lines = (line.strip() for line in runtime.splitlines())
    wanted = [line for line in lines if line and not line.startswith("#")]
    return [*wanted, *(each for each in test if each.startswith(RUNNERS))]


def ensure_disk(root: Path) -> Path:
    """Return a disk with the files of an engine's root, having made it if need be."""
    installed = (root / "var/lib/dpkg/status").read_text()
    disk = CACHE / f"vm-{root.name}-{_digest(installed)}.ext4"
    if not disk.exists():
        with locked(disk.stem):
            _make_disk(root, disk)
    return disk


def ensure_plugin(built: Path) -> Path:
    """Return a disk with a built managed plugin, as a directory of its own, having made it if need be."""
    disk = CACHE / f"vm-{built.name}.ext4"
    if not disk.exists():
        with locked(disk.stem), tempfile.TemporaryDirectory(dir=CACHE) as folder:
            for old in CACHE.glob("vm-plugin-*.ext4"):
                old.unlink()
            run(["cp", "-al", str(built), folder])
            _make_disk(Path(folder), disk)
    return disk


def assemble(command: Sequence[str], archive: Path) -> None:
    """Write the whole root, in which ``tests/vm/init`` will run the command, to ``archive``."""
    with tempfile.TemporaryDirectory() as temporary:
        top = Path(temporary)
        (top / "command").write_text(shlex.join(command))
        (top / TREE_AT).symlink_to(REPOSITORY)
        pynet = top / PYNET_AT
        pynet.parent.mkdir(parents=True)
        pynet.write_text(COMMAND)
        pynet.chmod(0o755)
        tree = (f"{TREE_AT}/{each}" for each in TREE)
        _pack(top, ["command", PYNET_AT, *tree], top / "tree.cpio")
        with archive.open("wb") as whole:
            for part in (ensure_system() / "root.cpio", ensure_libraries(), top / "tree.cpio"):
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole, 1 << 20)


def _make_disk(files: Path, disk: Path) -> None:
    building = disk.with_suffix(".building")
    building.unlink(missing_ok=True)
    options = ("-q", "-t", "ext4", "-O", "^has_journal", "-m", "0")
    run(["mke2fs", *options, "-d", str(files), str(building), DISK_SIZE])
    building.rename(disk)


def _make_system(system: Path) -> None:
    building = system.with_suffix(".building")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    root = building / "root"
    bootstrap(SUITE, PACKAGES, root)
    with tempfile.TemporaryDirectory(dir=building) as temporary:
        kernel = _unpack_kernel(Path(temporary))
        modules = next(kernel.glob("lib/modules/*"))
        for folder in MODULES:
            shutil.copytree(
                modules / "kernel" / folder, root / modules.relative_to(kernel) / "kernel" / folder
            )
        for file in modules.glob("modules.*"):
            shutil.copy(file, root / modules.relative_to(kernel))
        run(["chroot", str(root), "depmod", modules.name])
        shutil.copy(next(kernel.glob("boot/vmlinuz-*")), building / "vmlinuz")
    for each in UNNEEDED:
        shutil.rmtree(root / each, ignore_errors=True)
    (root / TREE_AT).mkdir()
    _pack(root, ["."], building / "root.cpio")
    shutil.rmtree(root)
    building.rename(system)


def _unpack_kernel(folder: Path) -> Path:
    """Download the kernel's package and unpack it; nothing is installed."""
    depends = run(["apt-cache", "depends", "--important", KERNEL])
    package = depends.split("Depends:")[1].split()[0]
    run(["apt-get", "download", "-q", package], cwd=folder)
    run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder)])
    return folder


def _pack(folder: Path, names: Sequence[str], archive: Path) -> None:
    """Archive what is below the names, in the form that kernels unpack."""
    whole = archive.with_suffix(f".{os.getpid()}")
    # Another run of tests beside this one writes byte code under such names first.
    script = 'find "$@" ! -name "*.pyc.*" | busybox cpio -o -R 0:0 -H newc'
    with whole.open("wb") as output:
        done = subprocess.run(
            ["sh", "-c", script, "find", *names],
            cwd=folder,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode:
        raise CommandError([script], done.returncode, done.stderr)
    whole.rename(archive)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def main() -> int:
    """Make what needs only the standard library; the rest comes with the first run."""
    try:
        ensure_system()
    except CommandError as error:
        sys.stderr.write(f"vm: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
