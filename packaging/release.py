"""Make everything that a release has, in dist/.

    release.py [--mirror URL] [--out dist]

Debian packages and the managed plugin for every architecture, the wheel, and their checksums.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import deb
import rootfs
from wheels import MACHINES, ROOT, WheelError, metadata

SUMS: Final = "SHA256SUMS"


def release(mirror: str, work: Path, out: Path) -> list[Path]:
    """Make every file and return them, checksums last.

    Raises the errors of deb.py, rootfs.py and wheels.py.
    """
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    version = metadata()["metadata"]["version"]
    made = [_timed("wheel", partial(_wheel, out))]
    for arch in MACHINES:
        made += [
            _timed(f"deb {arch}", partial(deb.build, arch, "1", work, out)),
            _timed(f"plugin {arch}", partial(rootfs.archive, arch, version, mirror, work, out)),
        ]
    sums = out / SUMS
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made)
    sums.write_text("".join(lines))
    return [*made, sums]


def _wheel(out: Path) -> Path:
    # setuptools packs what an earlier build left there, also modules that are no more.
    shutil.rmtree(ROOT / "build/lib", ignore_errors=True)
    argv = [
        sys.executable,
        "-m",
        "pip",
        "-qq",
        "wheel",
        "--no-deps",
        f"--wheel-dir={out}",
        str(ROOT),
    ]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WheelError(f"pip wheel: {done.stderr.strip()[-300:]}")
    return next(out.glob(f"pynet-{metadata()['metadata']['version']}-*.whl"))


def _timed(what: str, make: Callable[[], Path]) -> Path:
    started = time.monotonic()
    made = make()
    size = made.stat().st_size / 1e6
    seconds = time.monotonic() - started
    print(f"  {what}: {made.name}, {size:.1f} MB, {seconds:.0f} s", file=sys.stderr, flush=True)
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Make everything that a release has.")
    parser.add_argument("--mirror", default="", help="Debian mirror (default: debootstrap's own)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/release")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments = parser.parse_args()
    try:
        for path in release(arguments.mirror, arguments.work, arguments.out):
            print(path)
    except (deb.BuildError, rootfs.RootError, WheelError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
