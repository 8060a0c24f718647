"""`python3 -m tests.stages test|nightly|ci`, with the standard library alone.

`ci` is `test`, and then NIGHT_IN_CI, of which what ends within 45 minutes of its start.  There a
test that failed is run once more, and told as RERUN: of eight thousand on a machine that others
use, too, one may meet a moment that was not meant.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

from tests.stages.again import run_again
from tests.stages.plan import NIGHT_IN_CI, NIGHTLY, TEST
from tests.stages.run import Run, say, summary
from tests.stages.slowest import slowest
from tests.stages.stage import Stage

LOGS: Final = Path("build/stages")
CI_SECONDS: Final = 45 * 60.0
AGAIN: Final = "--reruns 1 -raR --rerun-show-tracebacks"


def main() -> int:
    what = sys.argv[1] if len(sys.argv) == 2 else ""
    if what not in ("test", "nightly", "ci"):
        sys.stderr.write("usage: python3 -m tests.stages test|nightly|ci\n")
        return 2
    started = time.monotonic()
    # By day lives are the same for everybody; see tests.property.effort.
    seed = os.environ.pop("PYNET_SEED", str(random.SystemRandom().randrange(1 << 32)))
    code = 0
    if what == "ci":
        os.environ["PYTEST_ADDOPTS"] = AGAIN
    if what in ("test", "ci"):
        code = _run(TEST, None)
    if what in ("nightly", "ci"):
        os.environ["PYNET_SEED"] = seed
        say(f"nightly, with PYNET_SEED={seed}")
        night = NIGHTLY if what == "nightly" else NIGHT_IN_CI
        code |= _run(night, None if what == "nightly" else started + CI_SECONDS)
    say(f"{'FAILED' if code else 'all is well'} after {time.monotonic() - started:.0f} s")
    return code


def _run(stages: tuple[Stage, ...], deadline: float | None) -> int:
    run = Run(stages, LOGS, deadline)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: run.stop())
    code = run.run()
    say("stages", before=summary(run.outcomes.values()) + "\n")
    say("the slowest tests", before="\n".join(slowest(run.said())) + "\n")
    if again := run_again(run.said()):
        say("failed once, and were run again", before="\n".join(again) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
