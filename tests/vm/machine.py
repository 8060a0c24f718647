"""One virtual machine, from its start to the end of the one command that it is for.

What the command says goes to our own output as it is said; its exit status comes by a
line of its own, so that a machine that died cannot be taken for a success.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.vm.image import TREE_AT, assemble, ensure_system

DEADLINE: Final = 1800.0  # seconds; it is for what hangs, and a busy host is slow
MEMORY: Final = 1536  # MiB; half of it may be files, and the root takes a quarter
MEMORY_OF_DISK: Final = 512  # MiB; what is unpacked from it
PROCESSORS: Final = 2
# Without what is slow to translate: strings of bytes (erms, fsrm) are copied byte by byte, and
# a fifth level of page tables is walked at every miss.
PROCESSOR: Final = "max,erms=off,fsrm=off,la57=off,smap=off"
# A clock that the kernel does not trust is not read: a device is, by one processor at a time.
# And on a busy machine the timer looks broken to who tests it.
KERNEL_WORDS: Final = (
    "console=ttyS0 quiet panic=-1 8250.nr_uarts=4 mitigations=off init_on_alloc=0 "
    "tsc=reliable no_timer_check"
)
CONSOLE_LINES: Final = 60  # a panic takes forty
INIT: Final = f"/{TREE_AT}/tests/vm/init"


class MachineError(Exception):
    """The machine ended, or was ended, without saying how the command did."""


def run(
    command: Sequence[str],
    *,
    deadline: float = DEADLINE,
    disks: Mapping[str, Path] | None = None,
) -> int:
    """Run the command in a machine of its own and return its exit status.

    It can read disks, which have names: see ``init``.

    Raises:
        MachineError: the machine died or took longer than the deadline (seconds).

    """
    with tempfile.TemporaryDirectory(prefix="pynet-vm-") as temporary:
        folder = Path(temporary)
        assemble(command, folder / "root.cpio")
        # It never outlives us, however we end.
        with subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *_qemu(folder, disks or {})],
            stdin=subprocess.DEVNULL,
        ) as qemu:
            try:
                qemu.wait(deadline)
            except subprocess.TimeoutExpired as error:
                raise MachineError(f"no end after {deadline:.0f} s{_console(folder)}") from error
            finally:
                qemu.kill()
        status = folder / "status"
        said = status.read_text().strip() if status.exists() else ""
        if not said:
            raise MachineError(f"it died, qemu with {qemu.returncode}{_console(folder)}")
        return int(said)


def accelerators() -> tuple[str, ...]:
    """Return qemu's options: the processor's help if it has any, else translation."""
    helps = re.search(r"^flags\s*:.*\b(vmx|svm)\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    if helps and os.access("/dev/kvm", os.W_OK):
        return ("-accel", "kvm", "-accel", "tcg,thread=multi")
    return ("-accel", "tcg,thread=multi")


def _qemu(folder: Path, disks: Mapping[str, Path]) -> list[str]:
    return [
        *("qemu-system-x86_64", *accelerators(), "-cpu", PROCESSOR),
        *("-smp", str(PROCESSORS), "-m", str(MEMORY + MEMORY_OF_DISK * len(disks))),
        *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
        # A card that leads nowhere, to be recognised as that of a virtual machine.
        *("-netdev", "user,id=nowhere,restrict=on"),
        *("-device", "virtio-net-pci,netdev=nowhere,romfile="),
        *("-kernel", str(ensure_system() / "vmlinuz"), "-initrd", str(folder / "root.cpio")),
        *("-append", f"{KERNEL_WORDS} rdinit={INIT}"),
        *(word for name, disk in disks.items() for word in _disk(name, disk)),
        *("-serial", f"file:{folder / 'console'}"),
        *("-serial", "stdio"),
        *("-serial", f"file:{folder / 'status'}"),
    ]


def _disk(name: str, disk: Path) -> tuple[str, ...]:
    return (
        *("-drive", f"id={name},file={disk},format=raw,if=none,readonly=on"),
        *("-device", f"virtio-blk-pci,drive={name},serial={name}"),
    )


def _console(folder: Path) -> str:
    console = folder / "console"
    text = console.read_text(errors="replace") if console.exists() else ""
    last = text.splitlines()[-CONSOLE_LINES:]
    return "; the kernel's last words:\n" + "\n".join(last) if last else ""
