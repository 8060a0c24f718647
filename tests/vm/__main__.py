"""Run pytest in the virtual machine: ``python -m tests.vm [NODE or option of pytest]...``."""

import os
import shutil
import sys
import time
from typing import Final

from tests.lab.commands import CommandError
from tests.vm.image import LIBRARIES_AT
from tests.vm.machine import MachineError, run

# What this machine's kernel may lack, and what kernels do differently.
USUAL: Final = ("-q", "-m", "vm or kernels", "tests/vm", "tests/kernel", "tests/contract")
ROOM_FOR_TIMES: Final = 80


def main() -> int:
    started = time.monotonic()
    colour = "yes" if sys.stdout.isatty() else "no"
    settings = {
        "PYNET_VM": "1",
        "PYTHONPATH": f"/{LIBRARIES_AT}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": str(shutil.get_terminal_size((ROOM_FOR_TIMES, 24)).columns),
        **{name: os.environ[name] for name in ("CI",) if name in os.environ},
    }
    words = ("-m", "pytest", "-p", "no:cacheprovider", f"--color={colour}")
    environment = (f"{name}={value}" for name, value in settings.items())
    try:
        code = run(["env", *environment, "python3", *words, *(sys.argv[1:] or USUAL)])
    except (MachineError, CommandError) as error:
        sys.stderr.write(f"vm: {error}\n")
        return 1
    sys.stderr.write(f"  virtual machine: {time.monotonic() - started:.0f} s\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
