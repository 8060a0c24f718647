"""What the packages are made of, without building one."""

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugin import __version__
from plugin.cli.commands import COMMANDS
from plugin.model import ids
from plugin.settings import SETTINGS

ROOT = Path(__file__).parents[2]
DEBIAN = ROOT / "packaging/debian"


def manual(what: str) -> str:
    """What packaging/manual.py prints."""
    return subprocess.run(
        [sys.executable, "-P", str(ROOT / "packaging/manual.py"), what],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_man_page_has_every_command_and_setting() -> None:
    """As `pynet --help` and the reference have them."""
    page = manual("man")

    for name in COMMANDS:
        assert f".SS pynet {name}" in page
    for setting in SETTINGS:
        assert f".B {setting.name}" in page


def test_the_file_of_settings_changes_nothing() -> None:
    """Every setting is there with its default, as a comment."""
    lines = [line for line in manual("settings").splitlines() if line]

    assert [line for line in lines if not line.startswith("#")] == []
    for setting in SETTINGS:
        assert f"#{setting.name}={setting.default}" in lines


def test_the_version_is_said_once() -> None:
    """In setup.cfg for packages, and in the program for `pynet --version`."""
    assert f"version = {__version__}\n" in (ROOT / "setup.cfg").read_text()


@pytest.mark.parametrize("script", ["preinst", "postinst", "prerm", "postrm"])
def test_dpkgs_scripts_are_for_any_shell(script: str) -> None:
    """Debian's /bin/sh is dash."""
    subprocess.run(["sh", "-n", str(DEBIAN / script)], check=True)


@pytest.mark.parametrize("name", ["NetworkManager.conf", "networkd.network"])
def test_other_managers_leave_every_link_alone(name: str) -> None:
    """One pattern has every prefix that pynet gives its links."""
    prefixes = [value for key, value in vars(ids).items() if key.endswith("_PREFIX")]

    assert "pn?-*" in (DEBIAN / name).read_text()
    assert prefixes
    assert all(len(each) == len("pn?-") and each[:2] + each[3:] == "pn-" for each in prefixes)


def test_the_wheel_has_the_page_of_pynet_ui() -> None:
    """Files that are no modules are only packed if they are named."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    folder = ROOT / "plugin" / "ui"
    packed = set(folder.glob(parser["options.package_data"]["plugin.ui"]))

    assert {each for each in folder.rglob("*") if each.is_file() and each.suffix != ".pyc"} == {
        *packed,
        *folder.glob("*.py"),
    }
