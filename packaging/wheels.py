"""Gather the libraries that pynet imports into one folder, for several versions of Python at once.

A library without compiled modules is the same for all.  Compiled modules have the version of Python
in their names (PEP 3149), so those of all versions lie side by side and each Python finds its own.
Wheels are downloaded once for each setup.cfg; later builds need no network.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
OWN: Final = ("plugin", "ipam", "etcdgw")  # as setup.cfg has them
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
# Debian's names, and those of wheels (PEP 600).
MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}
_GLIBC: Final = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
# What pip has noted for itself; licences and METADATA stay.
_UNNEEDED: Final = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json")


class WheelError(Exception):
    """A wheel could not be found; the message has pip's last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """One bundled library, as its METADATA describes it."""

    name: str
    version: str
    licence: str


def metadata() -> ConfigParser:
    """Return setup.cfg."""
    read = ConfigParser()
    read.read(ROOT / "setup.cfg")
    return read


def libraries(arch: str, work: Path) -> list[Path]:
    """Return the wheels that pynet needs, for an architecture of Debian's and every Python.

    Raises WheelError.
    """
    digest = hashlib.sha256((ROOT / "setup.cfg").read_bytes()).hexdigest()[:16]
    kept = work / f"wheels-{arch}-{digest}"
    if not kept.exists():
        building = kept.with_suffix(".building")
        shutil.rmtree(building, ignore_errors=True)
        _download(arch, building)
        building.rename(kept)
    return sorted(kept.glob("*.whl"))


def unpack(wheels: list[Path], folder: Path) -> list[Library]:
    """Unpack wheels into one folder and return what they are."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            if any(".data/" in name for name in archive.namelist()):
                raise WheelError(
                    f"{wheel.name} has files for other places than a folder of modules"
                )
            archive.extractall(folder)
    for information in folder.glob("*.dist-info"):
        for name in _UNNEEDED:
            (information / name).unlink(missing_ok=True)
    described = (path.read_text() for path in sorted(folder.glob("*.dist-info/METADATA")))
    return [_library(HeaderParser().parsestr(text)) for text in described]


def _download(arch: str, folder: Path) -> None:
    """Let pip choose versions for the oldest Python; the others get the same ones."""
    first, *others = PYTHONS
    lines = metadata()["options"]["install_requires"].splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    _pip("download", f"--dest={folder}", *_for(first, arch), *wanted)
    compiled = [path for path in folder.glob("*.whl") if not path.name.endswith("-none-any.whl")]
    for path in compiled:
        name, version, *_ = path.name.split("-")
        for python in others:
            _pip(
                *("download", "--no-deps", f"--dest={folder}"),
                *(*_for(python, arch), f"{name}=={version}"),
            )


def _for(python: str, arch: str) -> list[str]:
    platforms = [f"--platform={glibc}_{MACHINES[arch]}" for glibc in _GLIBC]
    return ["--only-binary=:all:", f"--python-version={python}", *platforms]


def _library(described: Message) -> Library:
    licence = described["License-Expression"] or described["License"] or ""
    if not licence or len(licence) > 40:
        classifiers = described.get_all("Classifier", [])
        named = [each for each in classifiers if each.startswith("License ::")]
        licence = named[0].rpartition(":: ")[2] if named else "see its folder"
    return Library(name=described["Name"], version=described["Version"], licence=licence)


def _pip(*arguments: str) -> None:
    argv = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        errors = re.findall(r"^ERROR: .*", done.stderr, re.MULTILINE)
        raise WheelError(f"pip {arguments[0]}: {' | '.join(errors[-2:]) or done.stderr[-300:]}")
