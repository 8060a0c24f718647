"""Debian root file systems with a Docker Engine, made once per machine.

Hosts use them as the read-only lower layer of an overlay and never change them.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, run
from tests.lab.debian import CACHE, bootstrap, locked, progress

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
    kind: str = ""  # of root, where a suite has several

    @property
    def root(self) -> Path:
        """Where its root file system is, once `ensure` has returned."""
        return CACHE / f"root-{self.suite}{self.kind}"


ENGINES: Final = {
    "20.10": Engine(version="20.10", suite="bookworm"),
    # Debian has had the client apart from the daemon since trixie.
    "28": Engine(version="28", suite="forky", packages=(*PACKAGES, "docker-cli")),
}

NEWEST: Final = "28"
# Another dockerd in the place of the newest engine's: one that Debian does not have yet.
OWN_DOCKERD: Final = os.environ.get("PYNET_LAB_DOCKERD")

COMPOSE: Final = Path("/usr/libexec/docker/cli-plugins/docker-compose")
_COMPOSE_SUITE: Final = "forky"  # bookworm's is of before `docker compose`

# What the package of pynet needs beside the engine: for hosts that are installed on.
_INSTALLABLE: Final = ("python3", "libnftables1", "init-system-helpers", "iputils-ping")
# A host that systemd starts, as a user has it; later suites' systemd needs newer control groups than
# every machine has.
WITH_SYSTEMD: Final = Engine(
    version="20.10",
    suite="bookworm",
    packages=(*PACKAGES, *_INSTALLABLE, "systemd", "systemd-sysv", "dbus"),
    kind="-systemd",
)
# Hosts without systemd: Debian 13 with its engine and Python, and the newest of both.
WITHOUT_SYSTEMD: Final = {
    suite: Engine(
        version=version,
        suite=suite,
        packages=(*PACKAGES, *_INSTALLABLE, "docker-cli"),
        kind="-python",
    )
    for suite, version in (("trixie", "26"), ("forky", "28"))
}


def ensure(engine: Engine) -> Path:
    """Return the engine's root, having built it if there was none."""
    if not engine.root.is_dir():
        with locked(engine.root.name):
            if not engine.root.is_dir():
                _build(engine)
    if OWN_DOCKERD and engine == ENGINES[NEWEST]:
        return _with_own_dockerd(engine, Path(OWN_DOCKERD))
    return engine.root


def ensure_image() -> Path:
    """Return the tar of the test image: busybox under all its names."""
    image = CACHE / "busybox.tar"
    if image.exists():
        return image
    with locked("busybox"), tempfile.TemporaryDirectory(dir=CACHE) as temporary:
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


def ensure_compose() -> Path:
    """Return Docker Compose's own program, which runs on hosts of every suite."""
    compose = CACHE / "docker-compose"
    if compose.exists():
        return compose
    with locked(compose.name), progress("Docker Compose", _COMPOSE_SUITE):
        if not compose.exists():
            root = CACHE / "root-compose.building"
            bootstrap(_COMPOSE_SUITE, ("docker-compose",), root)
            (root / COMPOSE.relative_to("/")).rename(compose)
            shutil.rmtree(root)
    return compose


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


def _build(engine: Engine) -> None:
    building = engine.root.with_suffix(".building")
    with progress(f"engine {engine.version}{engine.kind}", engine.suite):
        bootstrap(engine.suite, engine.packages, building)
        building.rename(engine.root)


def _with_own_dockerd(engine: Engine, dockerd: Path) -> Path:
    """The engine's root with another daemon, once for each version of that file."""
    root = CACHE / f"{engine.root.name}-{sha256(dockerd.read_bytes()).hexdigest()[:12]}"
    with locked(root.name):
        if not root.is_dir():
            building = root.with_suffix(".building")
            run(["cp", "-a", str(engine.root), str(building)])
            shutil.copy(dockerd, building / "usr/sbin/dockerd")
            building.rename(root)
    return root


if __name__ == "__main__":
    sys.exit(main())
