"""Stages: side by side, one after the other, left out and ended."""

import re
import threading
import time
from pathlib import Path

import pytest

from tests.stages.plan import NIGHT_IN_CI, NIGHTLY, TEST
from tests.stages.run import Run, summary
from tests.stages.stage import Stage


def a_stage(
    name: str,
    command: str = "true",
    *,
    seconds: int = 1,
    after: tuple[str, ...] = (),
    lane: str = "main",
    longest: float = 0,
) -> Stage:
    return Stage(
        name=name, command=command, seconds=seconds, after=after, lane=lane, longest=longest
    )


def run_of(folder: Path, *stages: Stage, deadline: float | None = None) -> Run:
    run = Run(stages, folder, deadline)
    run.run()
    return run


def codes(run: Run) -> dict[str, int | None]:
    return {name: outcome.code for name, outcome in run.outcomes.items()}


def test_what_they_say_is_shown_when_they_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The closing lines, with the name and the time."""
    run = run_of(tmp_path, a_stage("one", "echo 3 passed"))

    assert codes(run) == {"one": 0}
    assert re.fullmatch(r"== one\n3 passed\n== one: \d+ s\n", capsys.readouterr().out)
    assert re.fullmatch(r" +one +\d+ s", summary(run.outcomes.values()))


def test_lanes_run_side_by_side(tmp_path: Path) -> None:
    """Each of these waits for the other."""
    meeting = 'touch "$0.{}"; until [ -e "$0.{}" ]; do sleep 0.01; done'
    here, there = (
        f"set -- {tmp_path}/at; {meeting.format(*pair)}".replace("$0", "$1")
        for pair in (("a", "b"), ("b", "a"))
    )
    run = run_of(tmp_path, a_stage("here", here, lane="a"), a_stage("there", there, lane="b"))

    assert codes(run) == {"here": 0, "there": 0}


def test_one_that_fails_keeps_back_those_that_need_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing else; all that it said is shown."""
    run = Run(
        (
            a_stage("first", "seq 50; exit 3"),
            a_stage("needs it", after=("first",)),
            a_stage("does not"),
        ),
        tmp_path,
    )

    assert run.run() == 1
    assert codes(run) == {"first": 3, "needs it": None, "does not": 0}
    said = capsys.readouterr().out
    assert "\n1\n2\n3\n" in said
    assert "== first: FAILED (3) after " in said
    assert "== needs it: not run, without first" in said


def test_one_that_would_not_end_in_time_is_left_out(tmp_path: Path) -> None:
    """A shorter one that comes later may still have its turn."""
    now = time.monotonic()
    run = run_of(
        tmp_path,
        a_stage("long", seconds=1000),
        a_stage("short", seconds=1),
        deadline=now + 500,
    )

    assert codes(run) == {"long": None, "short": 0}
    assert run.outcomes["long"].reason == "it takes 1000 s, and there is less time left"


def test_one_that_does_not_end(tmp_path: Path) -> None:
    """It is ended, and has failed; others have their turn."""
    run = Run((a_stage("endless", "sleep 1000", longest=0.5), a_stage("next")), tmp_path)

    assert run.run() == 1
    assert codes(run)["endless"]
    assert codes(run)["next"] == 0


def test_one_that_hangs_says_where(tmp_path: Path) -> None:
    """It is interrupted before it is killed, even if nothing else was started by the shell."""
    says = "trap 'echo it was here; exit 1' INT; echo ready; while :; do :; done"  # a fork may miss the signal
    run = Run((a_stage("endless", says, longest=2),), tmp_path)

    assert run.run() == 1
    assert "it was here" in list(run.said())


def test_what_a_stage_may_take() -> None:
    """More than on a busy machine, and less than a night."""
    assert all(
        2 * stage.seconds < stage.longest < 7200 for stage in (*TEST, *NIGHTLY, *NIGHT_IN_CI)
    )


def test_an_end_of_it_all(tmp_path: Path) -> None:
    """What runs is ended, with what it started; nothing more is begun."""
    run = Run(
        (a_stage("endless", f"sleep 1000 & echo $! >{tmp_path}/pid; wait"), a_stage("next")),
        tmp_path,
    )
    thread = threading.Thread(target=run.run)
    thread.start()
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    run.stop()
    thread.join(60)

    assert not thread.is_alive()
    assert codes(run)["next"] is None
    assert run.run() == 1
    sleeper = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not sleeper.exists() or " Z " in sleeper.read_text()


@pytest.mark.parametrize("plan", [TEST, NIGHTLY, NIGHT_IN_CI])
def test_plans_can_be_run(plan: tuple[Stage, ...]) -> None:
    """Each name once; what is waited for comes before, or in another lane, and is there."""
    names = [stage.name for stage in plan]

    assert len(set(names)) == len(names)
    for number, stage in enumerate(plan):
        assert set(stage.after) <= set(names[:number])
