"""Run pytest in the virtual machine: ``python -m tests.vm [NODE or option of pytest]...``.

For tests of ``tests/e2e`` it has the engines of the lab, and the managed plugin.
"""

import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Final

from tests.lab.commands import CommandError
from tests.lab.prebuild import build
from tests.lab.roots import ENGINES, ensure
from tests.vm.image import LIBRARIES_AT, TREE_AT, ensure_disk, ensure_plugin
from tests.vm.machine import DEADLINE, MachineError, run

# What this machine's kernel may lack, and what kernels do differently.
USUAL: Final = ("-q", "-m", "vm or kernels", "tests/vm", "tests/kernel", "tests/contract")
WITH_ENGINES: Final = "tests/e2e"
PLUGIN: Final = "plugin"  # where the lab looks for it in the cache
ROOM_FOR_TIMES: Final = 80


def main() -> int:
    started = time.monotonic()
    arguments = sys.argv[1:] or USUAL
    colour = "yes" if sys.stdout.isatty() else "no"
    settings = {
        "PYNET_VM": "1",
        "PYTHONPATH": f"/{LIBRARIES_AT}:/{TREE_AT}",
        "COLUMNS": str(shutil.get_terminal_size((ROOM_FOR_TIMES, 24)).columns),
        **{name: os.environ[name] for name in ("CI",) if name in os.environ},
    }
    words = ("-m", "pytest", "-p", "no:cacheprovider", f"--color={colour}")
    environment = (f"{name}={value}" for name, value in settings.items())
    try:
        roots = map(ensure, ENGINES.values()) if _wants_engines(arguments) else ()
        disks = {root.name: ensure_disk(root) for root in roots}
        if disks:
            disks[PLUGIN] = ensure_plugin(build())
        command = ["env", *environment, "python3", *words, *arguments]
        code = run(command, disks=disks, deadline=DEADLINE * (1 + len(disks)))
    except (MachineError, CommandError) as error:
        sys.stderr.write(f"vm: {error}\n")
        return 1
    sys.stderr.write(f"  virtual machine: {time.monotonic() - started:.0f} s\n")
    return code


def _wants_engines(arguments: Sequence[str]) -> bool:
    return any(each.startswith(WITH_ENGINES) for each in arguments)


if __name__ == "__main__":
    sys.exit(main())
