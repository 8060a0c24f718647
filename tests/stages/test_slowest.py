"""The slowest tests of all stages: found in what stages said, and told before the verdict."""

from pathlib import Path

from tests.stages.run import Run
from tests.stages.slowest import slowest
from tests.stages.stage import Stage

SAID = """\
============================= slowest 20 durations =============================
12.40s call     tests/e2e/test_ports.py::test_udp[28-socket]
3.07s setup    tests/e2e/test_ports.py::test_udp[28-socket]
0.51s teardown tests/kernel/test_shims.py::test_refused[a name of several words]
  endpoint lives, each with a port of TCP and of UDP: 500
  soak: proved, 47 s
  fuzz: FAILED, 9 s
1.00s of what is no test
"""


def test_the_slowest_come_first() -> None:
    """Tests, what they share, and proofs, whole."""
    assert slowest(SAID.splitlines()) == [
        "      47 s  proof soak",
        "      12 s  tests/e2e/test_ports.py::test_udp[28-socket]",
        "       9 s  proof fuzz",
        "       3 s  tests/e2e/test_ports.py::test_udp[28-socket] (setup)",
        "       1 s  tests/kernel/test_shims.py::test_refused[a name of several words] (teardown)",
    ]
    assert len(slowest(SAID.splitlines(), 2)) == 2


def test_only_of_stages_that_ran(tmp_path: Path) -> None:
    """What lies there of an earlier run is not told again."""
    (tmp_path / "second.log").write_text("9.00s call old\n")
    stages = (
        Stage(name="first", command="echo 2.00s call new; false", seconds=1),
        Stage(name="second", command="true", seconds=1, after=("first",)),
    )
    run = Run(stages, tmp_path)

    assert run.run() == 1
    assert slowest(run.said()) == ["       2 s  new"]
