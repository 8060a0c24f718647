"""How hard property tests try: the same few lives in every run, many random ones at night.

`make test` must be green for everybody whenever the code is right, and take little time; what a
random run finds becomes an `@example` here.  `PYNET_SEED` makes runs random, from that seed.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings

SEED: Final = os.environ.get("PYNET_SEED", "")
_PART: Final = 5  # of the examples of a night, in every run


def effort(examples: int, *, steps: int = 50) -> settings:
    """Settings for a test that is worth ``examples`` in a night, each of at most ``steps``."""
    return settings(
        max_examples=examples if SEED else max(10, examples // _PART),
        stateful_step_count=steps,
        derandomize=not SEED,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
