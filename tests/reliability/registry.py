"""Every proof, in the order in which they run."""

from typing import Final

from tests.reliability.cluster.outage import CLUSTER_OUTAGE
from tests.reliability.cluster.proof import CLUSTER_HAMMER
from tests.reliability.crash.proof import CRASH_POINTS
from tests.reliability.crowd import CROWD
from tests.reliability.engines.registry import ENGINE_PROOFS
from tests.reliability.fuzz.proof import FUZZ
from tests.reliability.soak import SOAK

PROOFS: Final = (CRASH_POINTS, FUZZ, CROWD, SOAK, *ENGINE_PROOFS, CLUSTER_HAMMER, CLUSTER_OUTAGE)
