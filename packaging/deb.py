"""Build the Debian package of pynet.

    deb.py [--arch amd64|arm64] [--out dist]

The package has pynet and its libraries in /usr/lib/pynet, because Debian's own are too old in one
release or too new in the next, and runs with the system's Python (3.11 to 3.14: Debian 12 and
later).  It needs dpkg-deb and pip; nothing is compiled, so any machine builds for any other.
"""

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
import time
from email.utils import formatdate
from pathlib import Path
from typing import Final

from wheels import MACHINES, OWN, PYTHONS, ROOT, Library, WheelError, libraries, metadata, unpack

SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")
MAINTAINER: Final = "pynet maintainers <maintainers@pynet.invalid>"
LAUNCHER: Final = (
    "/opt/pynet"  # in packaging/pynet and the units, where other installations have it
)
LIBRARY: Final = "usr/lib/pynet"
DOC: Final = "usr/share/doc/pynet"
SETTINGS: Final = "etc/default/pynet"
_LAST: Final = tuple(map(int, PYTHONS[-1].split(".")))
DEPENDS: Final = (
    f"python3 (>= {PYTHONS[0]}), python3 (<< {_LAST[0]}.{_LAST[1] + 1}), "
    "libc6 (>= 2.28), libnftables1, iptables"
)
RECOMMENDS: Final = "docker.io (>= 20.10) | docker-ce"
SUGGESTS: Final = "nftables, wireguard-tools, wireguard-go"


class BuildError(Exception):
    """A step failed; the message has the reason."""


def build(arch: str, revision: str, work: Path, out: Path) -> Path:
    """Build the package and return it.

    Raises BuildError, and WheelError if a library cannot be had.
    """
    if arch not in MACHINES:
        raise BuildError(f"the architecture is {arch}, expected one of {', '.join(MACHINES)}")
    work.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    version = f"{metadata()['metadata']['version']}-{revision}"
    root = work / f"root-{arch}"
    shutil.rmtree(root, ignore_errors=True)
    (root / LIBRARY).mkdir(parents=True)
    bundled = unpack(libraries(arch, work), root / LIBRARY)
    for package in OWN:
        shutil.copytree(
            ROOT / package, root / LIBRARY / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    _leave_out(root / LIBRARY)
    _strip(root / LIBRARY, arch)
    _install(root)
    _made_of_the_program(root)
    _documents(root, version, bundled)
    _control(root, arch, version)
    _permissions(root)
    package = out / f"pynet_{version}_{arch}.deb"
    _run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", str(root), str(package))
    return package


def _leave_out(library: Path) -> None:
    """Remove what is not needed and what no package may have (lintian's package-installs-ieee-data)."""
    for name in ("iab", "oui"):  # who made a MAC address, which pynet never asks
        for suffix in ("idx", "txt"):
            (library / f"netaddr/eui/{name}.{suffix}").write_bytes(b"")
    shutil.rmtree(library / "_yaml")
    for module in (library / "yaml").glob("_yaml.*.so"):
        module.unlink()  # it contains libyaml, whose speed pynet does not use
    for module in library.rglob("*.py"):
        text = module.read_bytes()
        if text.startswith(b"#!"):  # a program of its own, for another Python
            module.write_bytes(b"#" + text.partition(b"\n")[1] + text.partition(b"\n")[2])


def _install(root: Path) -> None:
    """Put files of this tree in their places."""
    command = (ROOT / "packaging/pynet").read_text()
    command = _replaced(command, LAUNCHER, f"/{LIBRARY}")
    command = _replaced(command, "the managed plugin", "the Debian package")
    _write(root / "usr/bin/pynet", command)
    for unit in sorted((ROOT / "packaging/systemd").iterdir()):
        text = unit.read_text()
        if unit.suffix == ".service":
            text = _replaced(text, f"{LAUNCHER}/bin/pynet", "/usr/bin/pynet")
            text = _replaced(
                text,
                f"file:{LAUNCHER}/share/doc/installing.md",
                f"man:pynet(8) file:/{DOC}/reference/installing.md",
            )
        _write(root / "usr/lib/systemd/system" / unit.name, text)
    for source, target in {
        "NetworkManager.conf": "usr/lib/NetworkManager/conf.d/pynet.conf",
        "networkd.network": "usr/lib/systemd/network/05-pynet.network",
        "lintian-overrides": "usr/share/lintian/overrides/pynet",
    }.items():
        _write(root / target, (ROOT / "packaging/debian" / source).read_text())


def _made_of_the_program(root: Path) -> None:
    """Write what the program knows best: its man page, completion and settings."""
    library = root / LIBRARY
    _write_gz(root / "usr/share/man/man8/pynet.8.gz", _manual("man"))
    _write(root / "usr/share/bash-completion/completions/pynet", _manual("bash"))
    _write(root / "usr/share/zsh/vendor-completions/_pynet", _manual("zsh"))
    _write(root / SETTINGS, _manual("settings"))
    for cache in library.rglob("__pycache__"):
        shutil.rmtree(cache)


def _documents(root: Path, version: str, bundled: list[Library]) -> None:
    folder = root / DOC
    for page in sorted((ROOT / "docs").rglob("*.md")):
        if page.parent.name not in ("design", "decisions") and page.name != "changelog.md":
            _write(folder / page.relative_to(ROOT / "docs"), page.read_text())
    for pattern in ("*.png", "*.json"):
        for each in sorted((ROOT / "docs/reference").glob(pattern)):
            shutil.copy(each, folder / "reference" / each.name)
    _write_gz(folder / "changelog.gz", (ROOT / "docs/changelog.md").read_text())
    entry = f"pynet ({version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n"
    entry += f" -- {MAINTAINER}  {formatdate(_epoch())}\n"
    _write_gz(folder / "changelog.Debian.gz", entry)
    text = (ROOT / "packaging/debian/copyright").read_text()
    rows = "".join(f"   {each.name} {each.version}: {each.licence}\n" for each in bundled)
    _write(folder / "copyright", _replaced(text, "   @LIBRARIES@\n", rows))


def _control(root: Path, arch: str, version: str) -> None:
    control = root / "DEBIAN"
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    size = sum(path.stat().st_size // 1024 + 1 for path in files)
    about = """\
        Container networking for Docker: networks of mode bridge, macvlan, ipvlan
        and overlay with nftables, published ports, addresses from pools that
        stay with their containers, and commands that show what is there.
        Its Python libraries are bundled."""
    lines = {
        "Package": "pynet",
        "Version": version,
        "Architecture": arch,
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size),
        "Depends": DEPENDS,
        "Recommends": RECOMMENDS,
        "Suggests": SUGGESTS,
        "Section": "net",
        "Priority": "optional",
        "Description": "Docker network and IPAM driver\n"
        + textwrap.indent(textwrap.dedent(about), " "),
    }
    _write(control / "control", "".join(f"{key}: {value}\n" for key, value in lines.items()))
    _write(control / "conffiles", f"/{SETTINGS}\n")
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(root)}\n"
        for path in files
    )
    _write(control / "md5sums", "".join(sums))
    for script in SCRIPTS:
        _write(control / script, (ROOT / "packaging/debian" / script).read_text())


def _permissions(root: Path) -> None:
    programs = {root / "usr/bin/pynet", *(root / "DEBIAN" / script for script in SCRIPTS)}
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path in programs else 0o644)
    (root / SETTINGS).chmod(0o600)  # PYNET_SECRET may be in it


def _strip(library: Path, arch: str) -> None:
    """Remove debugging symbols, where the tool for the architecture is there."""
    tool = shutil.which(f"{MACHINES[arch]}-linux-gnu-strip")
    if tool is not None:
        for module in sorted(library.rglob("*.so*")):
            _run(tool, "--strip-unneeded", str(module))


def _manual(what: str) -> str:
    """Run manual.py with this tree's program, whose dependencies this Python has."""
    script = str(ROOT / "packaging/manual.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return _run(sys.executable, "-P", script, what, env=environment)


def _replaced(text: str, old: str, new: str) -> str:
    if old not in text:
        raise BuildError(f"expected {old!r} in a file of packaging/")
    return text.replace(old, new)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _write_gz(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def _epoch() -> int:
    """The time of the last commit, so that a second build of it is the same file."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    try:
        return int(_run("git", "-C", str(ROOT), "log", "-1", "--format=%ct"))
    except (BuildError, ValueError):
        return int(time.time())


def _run(*argv: str, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, check=False
        )
    except FileNotFoundError as error:
        raise BuildError(f"{argv[0]} is not installed") from error
    if done.returncode:
        raise BuildError(f"{argv[0]} failed: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the Debian package of pynet.")
    parser.add_argument(
        "--arch", choices=tuple(MACHINES), default=None, help="default: this machine's"
    )
    parser.add_argument("--revision", default="1", help="of the package, behind pynet's version")
    parser.add_argument("--work", type=Path, default=ROOT / "build/deb")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    try:
        os.environ["SOURCE_DATE_EPOCH"] = str(_epoch())
        arch = arguments.arch or _run("dpkg", "--print-architecture").strip()
        print(build(arch, arguments.revision, arguments.work, arguments.out))
    except (BuildError, WheelError) as error:
        print(f"deb: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
