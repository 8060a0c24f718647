"""Now, by the clock of this boot and by the wall clock."""

import time
from pathlib import Path
from typing import Final

from plugin.model.leases import Moment

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def moment() -> Moment:
    """Now."""
    return Moment(
        boot_id=_BOOT_ID.read_text().strip(),
        boottime=time.clock_gettime(time.CLOCK_BOOTTIME),
        wall=time.time(),
    )
