"""Packages, built once, and hosts to install them on."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import LOGS
from tests.lab.commands import CommandError, run
from tests.lab.debian import CACHE, locked
from tests.lab.host import Host
from tests.lab.installed import REPOSITORY
from tests.lab.lab import Lab
from tests.lab.namespace import Peer, enter
from tests.lab.roots import WITHOUT_SYSTEMD
from tests.lab.systemd_host import SystemdHost


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of this takes minutes, and nothing of it changes from day to day."""
    for item in items:
        if "packages" in item.path.parts:
            item.add_marker(pytest.mark.engine)
            item.add_marker(pytest.mark.nightly)


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Build the Debian package with a revision, as `make deb` does."""
    out = tmp_path_factory.mktemp("dist")

    def build(revision: int) -> Path:
        if not (found := list(out.glob(f"*-{revision}_*.deb"))):
            script = REPOSITORY / "packaging/deb.py"
            argv = [sys.executable, str(script), f"--revision={revision}", f"--out={out}"]
            with locked("deb"):
                done = subprocess.run(
                    [*argv, f"--work={CACHE / 'deb'}"],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=False,
                )
            if done.returncode:
                raise CommandError(argv, done.returncode, "see above")
            found = [Path(done.stdout.strip())]
        return found[0]

    return build


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def peer(lab: Lab) -> Peer:
    return lab.peer()


@pytest.fixture(scope="module")
def machine(lab: Lab, pytestconfig: pytest.Config) -> SystemdHost:
    """A bare host with systemd and Docker."""
    host = SystemdHost(lab.run, lab.fabric, len(lab.hosts) + 1)
    lab.hosts.append(host)
    pytestconfig.stash[LOGS]["journal"] = lambda: host.run("journalctl", "-n", "40", "--no-pager")
    host.boot()
    return host


@pytest.fixture(scope="module")
def plain(lab: Lab) -> Host:
    """A bare host with the newer engine and without systemd."""
    return _booted(lab, "forky")


@pytest.fixture(scope="module", params=tuple(WITHOUT_SYSTEMD))
def debian(lab: Lab, request: pytest.FixtureRequest) -> Host:
    """Bare hosts of Debian 13 and later, without systemd."""
    return _booted(lab, request.param)


def _booted(lab: Lab, suite: str) -> Host:
    host = Host(lab.run, lab.fabric, WITHOUT_SYSTEMD[suite], len(lab.hosts) + 1)
    lab.hosts.append(host)
    host.boot()
    return host


def put(host: Host, package: Path) -> str:
    """Copy a file into the host's /tmp and return its name there."""
    target = f"/tmp/{package.name}"
    host.path(target).write_bytes(package.read_bytes())
    return target


def apt(host: Host, *arguments: str) -> str:
    """Run apt-get, which has no mirror there; return all that it and the package's scripts said."""
    return host.run(
        *("sh", "-c", 'exec "$@" 2>&1', "sh"),
        *("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "--no-install-recommends"),
        *arguments,
        timeout=300,
    )


def from_mirror(host: Host, *packages: str) -> None:
    """Install Debian's packages on the host, with this machine's network: the host's has no mirror."""
    # A mirror's list of the newest suite may be older than that suite says it lasts.
    update = "apt-get -qq -o Acquire::Check-Valid-Until=false update"
    install = f"apt-get -y --no-install-recommends install {' '.join(packages)}"
    script = f"{update}; {install}; apt-get clean"
    namespaces = ("--mount", "--pid", "--uts", "--ipc")
    run(
        ["nsenter", f"--target={host.leader}", *namespaces, "--", "sh", "-ec", script],
        timeout=300,
        env={**host.lab.env, "DEBIAN_FRONTEND": "noninteractive"},
    )
    host.run("sh", "-c", "rm -r /var/lib/apt/lists/*")


def checkout(host: Host) -> str:
    """Put this tree on the host, as a clone of it is, and return its folder there."""
    folder = host.path("/tmp/checkout")
    unversioned = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(REPOSITORY, folder, ignore=unversioned, dirs_exist_ok=True)
    return "/tmp/checkout"


def for_pip(deb: Callable[[int], Path]) -> str:
    """Commands for a shell on a host, whose pip then takes kept wheels: the host reaches no index."""
    deb(1)  # it is made of them
    tools = CACHE / "pip"
    with locked(tools.name):
        if not list(tools.glob("setuptools-*.whl")):
            pip = [sys.executable, "-m", "pip", "-qq", "download", "--no-deps", f"--dest={tools}"]
            run([*pip, "setuptools>=68"])
    wheels = [path for path in (CACHE / "deb").glob("wheels-*") if path.suffix != ".building"]
    found = " ".join(map(str, (tools, *wheels)))
    return f"export PIP_NO_INDEX=1 PIP_FIND_LINKS='{found}'\n"


def remains(host: Host) -> set[str]:
    """What the host has of pynet: files, links, tables and rules of the firewall, units."""
    skip = (
        "/proc",
        "/sys",
        "/dev",
        "/var/cache",
        "/var/lib/docker",
        "/var/log",
        "/tmp",
        "/oldroot",
    )
    pruned = [word for path in skip for word in ("-path", path, "-o")][:-1]
    files = host.run("find", "/", "(", *pruned, ")", "-prune", "-o", "-name", "*pynet*", "-print")
    links = host.run("ip", "-br", "link")
    rules = run(enter(host.netns, "nft", "list", "ruleset"))  # the host may have no nft
    return {
        *files.split(),
        *(line.split()[0] for line in links.splitlines() if line.startswith("pn")),
        *(line.strip() for line in rules.splitlines() if "pynet" in line),
    }
