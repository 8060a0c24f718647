"""Every proof, in the order in which they run."""

from typing import Final

from tests.reliability.crash.proof import CRASH_POINTS
from tests.reliability.engines.registry import ENGINE_PROOFS

PROOFS: Final = (CRASH_POINTS, *ENGINE_PROOFS)
