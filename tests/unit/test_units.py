"""The systemd units: what systemd and dockerd need of them."""

import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[2] / "packaging" / "systemd"


def unit(name: str) -> ConfigParser:
    read = ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(UNITS / name)
    return read


@pytest.mark.parametrize("name", ["pynet.service", "pynet.socket"])
def test_docker_waits_for_it(name: str) -> None:
    """It asks for its plugins while it starts, and does not ask again for containers."""
    assert unit(name)["Unit"]["Before"] == "docker.service"
    assert "docker.service" in unit(name)["Install"]["WantedBy"]


def test_it_is_started_however_often_it_ends() -> None:
    """A unit that was given up is a driver that is not there."""
    service = unit("pynet.service")

    assert service["Service"]["Restart"] == "always"
    assert service["Unit"]["StartLimitIntervalSec"] == "0"


def test_a_disk_does_not_keep_it_from_serving() -> None:
    """systemd would not start it without the directory; pynet says what is wrong."""
    assert "StateDirectory" not in unit("pynet.service")["Service"]


def test_the_proxy_may_deny_itself_files() -> None:
    """systemd 252's groups of system calls are older than Landlock: the proxy was killed by its first call."""
    lines = (UNITS / "pynet.service").read_text().splitlines()
    allowed = " ".join(line for line in lines if line.startswith("SystemCallFilter="))

    assert "landlock_create_ruleset" in allowed
    assert "landlock_restrict_self" in allowed
    assert "SystemCallErrorNumber=EPERM" in lines


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_understands_them(tmp_path: Path) -> None:
    """Every word, with a program that is there."""
    for path in UNITS.iterdir():
        text = path.read_text().replace("/opt/pynet/bin/pynet", "/bin/true")
        (tmp_path / path.name).write_text(text)
    units = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
