"""Debian root file systems with a Docker Engine, made once per machine.

A root is built next to its final place and renamed, under a lock, so that it
is either whole or absent, however many runs want it and whoever is killed.
Hosts use it as the read-only lower layer of an overlay and never change it.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, run

CACHE: Final = Path(os.environ.get("PYNET_CACHE", "/var/cache/pynet"))

# Bookworm's debootstrap has no scripts for later suites; all are links to this.
SCRIPT: Final = Path("/usr/share/debootstrap/scripts/sid")
FALLBACK_MIRROR: Final = "http://deb.debian.org/debian"

# What the hosts run (the engine, its firewall tool) and what tests look with.
PACKAGES: Final = (
    "docker.io",
    "iptables",
    "nftables",
    "iproute2",
    "busybox-static",
    "ca-certificates",
    "procps",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker Engine version and the Debian suite that has it."""

    version: str
    suite: str
    packages: tuple[str, ...] = PACKAGES

    @property
    def root(self) -> Path:
        """Where its root file system is, once `ensure` has returned."""
        return CACHE / f"root-{self.suite}"


ENGINES: Final = {
    "20.10": Engine(version="20.10", suite="bookworm"),
    # Debian has had the client apart from the daemon since trixie.
    "28": Engine(version="28", suite="forky", packages=(*PACKAGES, "docker-cli")),
}


def ensure(engine: Engine) -> Path:
    """Return the engine's root, having built it if there was none."""
    if engine.root.is_dir():
        return engine.root
    with _locked(f"root-{engine.suite}"):
        if not engine.root.is_dir():
            _build(engine)
    return engine.root


def ensure_image() -> Path:
    """Return the tar of the test image: busybox under all its names."""
    image = CACHE / "busybox.tar"
    if image.exists():
        return image
    with _locked("busybox"), tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        top = Path(temporary)
        for folder in ("bin", "etc", "tmp", "www"):
            (top / folder).mkdir()
        busybox = top / "bin/busybox"
        shutil.copy("/bin/busybox", busybox)
        for name in run([str(busybox), "--list"]).split():
            if name != "busybox":
                (top / "bin" / name).symlink_to("busybox")
        whole = CACHE / f"busybox.tar.{os.getpid()}"
        run(["tar", "-C", temporary, "-cf", str(whole), "."])
        whole.rename(image)
    return image


def mirror() -> str:
    """Return the mirror this machine installs from: it is the reachable one."""
    try:
        indexes = run(["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"])
    except (CommandError, FileNotFoundError):
        return FALLBACK_MIRROR
    for line in indexes.splitlines():
        _, _, uri = line.partition(" ")
        if uri.rstrip("/").endswith("/debian"):
            return uri
    return FALLBACK_MIRROR


def main() -> int:
    """Build the roots of the engines named as arguments (all, if none)."""
    engines = [ENGINES[name] for name in sys.argv[1:] or ENGINES]
    with ThreadPoolExecutor() as pool:
        results = [pool.submit(ensure, engine) for engine in engines]
    for result in results:
        try:
            result.result()
        except CommandError as error:
            sys.stderr.write(f"lab: {error}\n")
            return 1
    ensure_image()
    return 0


@contextmanager
def _locked(name: str) -> Iterator[None]:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(engine: Engine) -> None:
    started = time.monotonic()
    building = CACHE / f"root-{engine.suite}.building"
    # Whoever was building it is dead: the lock is ours.
    shutil.rmtree(building, ignore_errors=True)
    _say(f"engine {engine.version}: making its root from Debian {engine.suite} ...")
    log = CACHE / f"root-{engine.suite}.log"
    argv = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(engine.packages)}",
        *_keyring_options(),
        engine.suite,
        str(building),
        mirror(),
        str(SCRIPT),
    ]
    with log.open("w") as output:
        code = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        ).returncode
    if code:
        raise CommandError(argv, code, f"{_tail(log)} (see {log})")
    for unneeded in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
        shutil.rmtree(building / unneeded, ignore_errors=True)
    building.rename(engine.root)
    _say(f"engine {engine.version}: root ready, {time.monotonic() - started:.0f} s")


def _keyring_options() -> list[str]:
    # The keyring of bookworm does not always know the keys of later suites.
    keyring = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
    return [f"--keyring={keyring}"] if keyring.exists() else ["--no-check-gpg"]


def _tail(log: Path) -> str:
    return " | ".join(log.read_text().splitlines()[-3:])


def _say(line: str) -> None:
    sys.stderr.write(f"  {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
