"""The proofs that need engines, in the order in which they run."""

from typing import Final

from tests.reliability.engines.boot import BOOT
from tests.reliability.engines.kill_loop import KILL_LOOP
from tests.reliability.engines.reboot import REBOOT, UPGRADE
from tests.reliability.engines.stale import STALE_ENDPOINTS
from tests.reliability.engines.unbroken import CRASH_LOOP, LIVE_RESTORE

ENGINE_PROOFS: Final = (
    *(KILL_LOOP, BOOT, LIVE_RESTORE, CRASH_LOOP, REBOOT, UPGRADE, STALE_ENDPOINTS),
)
