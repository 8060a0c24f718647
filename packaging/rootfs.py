"""The managed plugin's files for any architecture, without an engine and without running a program of it.

    rootfs.py --arch arm64 [--mirror URL] [--out dist]

debootstrap unpacks Debian's packages; none is configured, because nothing of the plugin needs that
except for the names that `update-alternatives` would make.
"""

import argparse
import compileall
import py_compile
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from wheels import MACHINES, OWN, PYTHONS, ROOT, WheelError, libraries, metadata, unpack

SUITE: Final = "bookworm"
PYTHON: Final = PYTHONS[0]  # of that suite
PACKAGES: Final = ("python3", "libnftables1", "nftables", "iptables")
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# iptables' postinst makes these (update-alternatives(1)).
_ALTERNATIVES: Final = tuple(
    f"{family}{verb}" for family in ("iptables", "ip6tables") for verb in ("", "-save", "-restore")
)
_FOLDERS: Final = (
    "dev",
    "run/docker/plugins",
    "run/pynet",
    "var/lib/pynet",
    "host/plugins",
    "host/proc/sys/net",
)
_UNNEEDED: Final = (
    *("dev", "boot", "debootstrap", "var/cache/apt", "var/cache/debconf", "var/lib/apt", "var/log"),
    *("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale"),
)


class RootError(Exception):
    """The root could not be made; the message has the last words of the program that failed."""


def archive(arch: str, version: str, mirror: str, work: Path, out: Path) -> Path:
    """Make the tar that `docker plugin create` takes when unpacked, and return it.

    Raises RootError, and WheelError if a library cannot be found.
    """
    folder = work / f"plugin-{arch}"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(_base(arch, mirror, work), folder / "rootfs", symlinks=True)
    library = folder / "rootfs/opt/pynet"
    library.mkdir(parents=True)
    unpack(libraries(arch, work), library)
    for package in OWN:
        shutil.copytree(
            ROOT / package, library / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    command = folder / "rootfs/usr/local/bin/pynet"
    command.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "packaging/pynet", command)
    command.chmod(0o755)
    _compile(library)
    shutil.copy(ROOT / "config.json", folder)
    target = out / f"pynet-{version}-plugin-{arch}.tar.gz"
    with tarfile.open(target, "w:gz", compresslevel=6) as tar:
        for name in ("config.json", "rootfs"):
            tar.add(folder / name, name)
    shutil.rmtree(folder)
    return target


def _base(arch: str, mirror: str, work: Path) -> Path:
    """Return the root with Debian's packages, made once."""
    kept = work / f"base-{SUITE}-{arch}"
    if not kept.exists():
        building = kept.with_suffix(".building")
        shutil.rmtree(building, ignore_errors=True)
        argv = ["debootstrap", "--foreign", f"--arch={arch}", "--variant=minbase"]
        argv += [f"--include={','.join(PACKAGES)}"]
        if not _KEYRING.exists():
            raise RootError(f"{_KEYRING} is missing; install debian-archive-keyring")
        argv += [f"--keyring={_KEYRING}"]
        _run([*argv, SUITE, str(building), *filter(None, [mirror])])
        for package in sorted((building / "var/cache/apt/archives").glob("*.deb")):
            _run(["dpkg-deb", "--extract", str(package), str(building)])
        for name in _ALTERNATIVES:
            link = building / "usr/sbin" / name
            link.unlink(missing_ok=True)
            link.symlink_to("xtables-nft-multi")
        for name in _UNNEEDED:
            shutil.rmtree(building / name, ignore_errors=True)
        for name in _FOLDERS:
            (building / name).mkdir(parents=True, exist_ok=True)
        (building / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (building / "etc/group").write_text("root:x:0:\n")
        building.rename(kept)
    return kept


def _compile(library: Path) -> None:
    """Compile here what each start would compile, where this Python's code is that one's, too."""
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))):
        print(f"  plugin: not compiled: that needs Python {PYTHON}", file=sys.stderr)
        return
    compileall.compile_dir(
        library,
        quiet=2,
        stripdir=str(library),
        prependdir="/opt/pynet",
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _run(argv: list[str]) -> None:
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise RootError(f"{argv[0]} failed: {' | '.join(said)}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the managed plugin's tar.")
    parser.add_argument("--arch", choices=tuple(MACHINES), required=True)
    parser.add_argument("--mirror", default="", help="Debian mirror (default: debootstrap's own)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/release")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    version = metadata()["metadata"]["version"]
    try:
        print(archive(arguments.arch, version, arguments.mirror, arguments.work, arguments.out))
    except (RootError, WheelError) as error:
        print(f"plugin: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
