"""Build pynet as a managed plugin, and create and enable it in an engine.

    plugin.py build      make the plugin's directory (config.json and rootfs) and print it
    plugin.py install    build, then create and enable pynet/pynet:latest

The root file system is built by `docker build` on a Debian base.  Where no
registry can be reached the base is made from Debian packages instead.  What
has been built is kept under a name made of everything that went into it.
"""

import argparse
import fcntl
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
NAME: Final = "pynet/pynet:latest"
BASE: Final = "debian:bookworm-slim"
# The same base made by hand: its suite, its Python, and what the Dockerfile would install.
SUITE: Final = "bookworm"
PYTHON: Final = "3.11"
PACKAGES: Final = ("python3", "libnftables1", "nftables", "iptables")
MADE_BASE: Final = "pynet-base:local"
SOURCES: Final = (
    *("plugin", "ipam", "etcdgw", "setup.cfg", "pyproject.toml"),
    *("Dockerfile", "packaging/pynet", "packaging/plugin.py"),
)
KEPT: Final = 3
PULL_TIMEOUT: Final = 120


class BuildError(Exception):
    """A step failed; the message has the step and its output."""


class Builder:
    """The steps from the source tree to an enabled plugin."""

    def __init__(self, work: Path, docker: Sequence[str], base: str, mirror: str) -> None:
        self._work = work
        self._docker = tuple(docker)
        self._base = base
        self._mirror = mirror

    def build(self) -> Path:
        """Return the plugin's directory, built now or before."""
        self._run("version")  # or it is known only minutes later that no engine answers
        self._work.mkdir(parents=True, exist_ok=True)
        with (self._work / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            plugin = self._work / f"plugin-{_digest(_files(SOURCES))}"
            if not plugin.exists():
                self._make(plugin)
                self._forget_old()
            shutil.copy(ROOT / "config.json", plugin)
        return plugin

    def install(self) -> None:
        """Build, create and enable.

        What is there already is left alone, because its state goes with it.
        """
        plugin = self.build()
        if self._has_plugin():
            raise BuildError(
                f"{NAME} is installed already, and removing it would forget its networks; if "
                f"that is meant: docker plugin rm -f {NAME}"
            )
        self._step("creating the plugin", "plugin", "create", NAME, str(plugin))
        self._step("enabling it", "plugin", "enable", NAME)

    def _has_plugin(self) -> bool:
        try:
            self._run("plugin", "inspect", NAME)
        except BuildError:
            return False
        return True

    def _make(self, plugin: Path) -> None:
        base = self._ready_base()
        context = self._context()
        image = f"pynet-rootfs:{plugin.name}"
        self._step(
            "building the root file system",
            *("build", "--quiet", f"--build-arg=BASE={base}", f"--tag={image}", str(context)),
        )
        building = plugin.with_suffix(".building")
        shutil.rmtree(building, ignore_errors=True)
        (building / "rootfs").mkdir(parents=True)
        container = self._run("create", image, "true").strip()
        archive = building / "rootfs.tar"
        try:
            self._step("exporting it", "export", f"--output={archive}", container)
        finally:
            self._run("rm", container)
            self._run("rmi", image)
        _run(["tar", "-C", str(building / "rootfs"), "-xf", str(archive)])
        archive.unlink()
        building.rename(plugin)
        shutil.rmtree(context)

    def _ready_base(self) -> str:
        """Return the name of a base image that the engine has."""
        for name in (self._base, MADE_BASE):
            with suppress(BuildError):
                self._run("image", "inspect", name)
                return name
        if self._base != MADE_BASE:
            with suppress(BuildError):
                self._step(f"pulling {self._base}", "pull", self._base, timeout=PULL_TIMEOUT)
                return self._base
        archive = self._base_archive()
        self._step("importing the base", "import", str(archive), MADE_BASE)
        return MADE_BASE

    def _base_archive(self) -> Path:
        """Return a tar of Debian with what the plugin needs, made here."""
        archive = self._work / f"base-{SUITE}-{_digest(map(str.encode, PACKAGES))}.tar"
        if not archive.exists():
            with _Step(f"making a base of Debian {SUITE}"):
                root = self._work / "base.building"
                shutil.rmtree(root, ignore_errors=True)
                include = ",".join(PACKAGES)
                argv = ["debootstrap", "--variant=minbase", f"--include={include}", SUITE]
                _run([*argv, str(root), *filter(None, [self._mirror])])
                for unneeded in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc"):
                    shutil.rmtree(root / unneeded)
                building = archive.with_suffix(".building")
                _run(["tar", "-C", str(root), "-cf", str(building), "."])
                shutil.rmtree(root)
                building.rename(archive)
        return archive

    def _context(self) -> Path:
        """Put the files in place that the Dockerfile copies."""
        context = self._work / "context"
        shutil.rmtree(context, ignore_errors=True)
        wheels = context / "wheels"
        with _Step("installing the program for its Python"):
            # setuptools packs what an earlier build left there, also modules that are no more.
            shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)
            _pip("wheel", "--no-deps", f"--wheel-dir={wheels}", str(ROOT))
            wheel = next(wheels.glob("pynet-*.whl"))
            _pip("install", "--no-deps", f"--target={context / 'program'}", str(wheel))
            shutil.copytree(self._dependencies(wheel), context / "dependencies")
        shutil.rmtree(wheels)
        shutil.copy(ROOT / "Dockerfile", context)
        shutil.copy(ROOT / "packaging/pynet", context)
        return context

    def _dependencies(self, wheel: Path) -> Path:
        """Return a folder with what the program imports, made once per setup.cfg."""
        digest = _digest(_files(["setup.cfg"]))
        folder = self._work / f"dependencies-{PYTHON}-{digest}"
        if not folder.exists():
            building = folder.with_suffix(".building")
            shutil.rmtree(building, ignore_errors=True)
            # Wheels only: the plugin's Python is not the one that runs here.
            options = ("--only-binary=:all:", f"--python-version={PYTHON}")
            _pip("install", "--no-compile", *options, f"--target={building}", str(wheel))
            for own in (
                *map(building.joinpath, ("plugin", "ipam", "etcdgw", "bin")),
                *building.glob("pynet-*"),
            ):
                shutil.rmtree(own)
            building.rename(folder)
        return folder

    def _forget_old(self) -> None:
        built = sorted(self._work.glob("plugin-*"), key=lambda path: path.stat().st_mtime)
        for old in built[:-KEPT]:
            shutil.rmtree(old)

    def _step(self, what: str, *arguments: str, timeout: float = 600) -> None:
        with _Step(what):
            self._run(*arguments, timeout=timeout)

    def _run(self, *arguments: str, timeout: float = 600) -> str:
        return _run([*self._docker, *arguments], timeout=timeout)


class _Step:
    """Print the step, and how long it took."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        outcome = "failed after" if error else "done,"
        seconds = time.monotonic() - self._started
        print(f"  plugin: {self._what}: {outcome} {seconds:.1f} s", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("verb", choices=("build", "install"))
    parser.add_argument("--work", type=Path, default=ROOT / "build/plugin")
    parser.add_argument("--docker", default="docker", help="how to call docker")
    parser.add_argument("--base", default=BASE, help=f"base image; {MADE_BASE} is made here")
    parser.add_argument("--mirror", default="", help="Debian mirror for that (debootstrap's own)")
    arguments = parser.parse_args()
    docker = shlex.split(arguments.docker)
    builder = Builder(arguments.work, docker, arguments.base, arguments.mirror)
    try:
        if arguments.verb == "build":
            print(builder.build())
        else:
            builder.install()
            print(f"{NAME} is enabled; try: docker network create -d pynet demo")
    except BuildError as error:
        print(f"plugin: {error}", file=sys.stderr)
        return 1
    return 0


def _pip(*arguments: str) -> None:
    _run([sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments])


def _run(argv: Sequence[str], *, timeout: float = 600) -> str:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"`{shlex.join(argv)}` did not end in {timeout} s") from error
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-3:]
        raise BuildError(f"`{shlex.join(argv)}` failed: {' | '.join(said)}")
    return done.stdout


def _files(names: Iterable[str]) -> Iterable[bytes]:
    for name in names:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file.relative_to(ROOT)).encode()
                yield file.read_bytes()


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(len(part)).encode() + part)
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    sys.exit(main())
