"""Every proof, in the order in which they run."""

from typing import Final

from tests.reliability.crash.proof import CRASH_POINTS

PROOFS: Final = (CRASH_POINTS,)
