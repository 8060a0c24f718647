"""Tables of what was measured, and whether it is as far as we mean to be."""

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.figure import Figure, Reach, Row, Statistic, Unit, Verdict
from tests.benchmarks.registry import FIGURES
from tests.benchmarks.report import Conditions, Measured, markdown
from tests.benchmarks.sample import Sample

CONDITIONS = Conditions(engine="28.5", load=0, seconds=12, quick=True)
FIGURE = Figure(name="f", title="A `figure`", method="By hand.", measure=lambda _: ())


@pytest.mark.parametrize(
    ("reach", "verdict"),
    [
        (Reach(3.0), Verdict.MET),
        (Reach(1.9), Verdict.MISSED),
        (Reach(2.0, at_least=True), Verdict.MET),
        (Reach(2.1, at_least=True), Verdict.MISSED),
        (Reach(2.0, Statistic.P99), Verdict.MISSED),
        (Reach(0.5, Statistic.RATIO), Verdict.MET),
        (Reach(0.4, Statistic.RATIO), Verdict.MISSED),
        (None, None),
    ],
)
def test_reach(reach: Reach | None, verdict: Verdict | None) -> None:
    """A reach is a bound on one statistic, as it is shown."""
    sample, beside = Sample.of([0.001, 0.002, 0.003]), Sample.of([0.004])

    assert Row(what="x", sample=sample, beside=beside, reach=reach).verdict is verdict


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [(0.99, Verdict.MET), (1.01, Verdict.LEVEL), (1.2, Verdict.MISSED)],
)
def test_a_difference_within_the_noise_is_level(bound: float, verdict: Verdict) -> None:
    """Neither luck nor its absence decides over a bound that is within the noise."""
    rounds = Sample.of([0.9, 1.1] * 20 + [1.0] * 5)
    row = Row(
        what="x",
        sample=Sample.of([2]),
        beside=Sample.of([1]),
        by_round=rounds,
        reach=Reach(bound, Statistic.RATIO, at_least=True),
    )

    assert row.ratio == 1.0
    assert row.verdict is verdict


def test_missing_ratio_is_not_reached() -> None:
    """A ratio to nothing is never taken for success."""
    row = Row(
        what="x",
        sample=Sample.of([1]),
        beside=Sample.of([0]),
        reach=Reach(1.0, Statistic.RATIO),
    )

    assert row.verdict is Verdict.MISSED


def test_page_has_a_table_for_each_figure() -> None:
    """Heading, method, and one line for each row with its reach."""
    row = Row(what="first", sample=Sample.of([0.5]), reach=Reach(700))

    page = markdown([Measured(figure=FIGURE, rows=(row,))], CONDITIONS)

    assert "## A `figure`\n\nBy hand.\n\n|  | n | median |" in page
    assert "| first | 1 | 500 ms |  |  |  |  | median ≤ 700: met |" in page


def test_page_says_what_was_not_measured() -> None:
    """A figure that could not be had is on the page with its reason."""
    page = markdown([Measured(figure=FIGURE, note="no such engine")], CONDITIONS)

    assert "Not measured: no such engine" in page


def test_p99_needs_a_hundred_values() -> None:
    """The largest of a few values is not called their p99."""
    few, many = Sample.of([1.0] * 99), Sample.of([1.0] * 100)
    rows = [Row(what="r", sample=each, unit=Unit.PER_SECOND) for each in (few, many)]

    page = markdown([Measured(figure=FIGURE, rows=tuple(rows))], CONDITIONS)

    assert "| r | 99 | 1.00 /s | 1.00 | 1.00 to 1.00 |  |  |  |" in page
    assert "| r | 100 | 1.00 /s | 1.00 | 1.00 to 1.00 | 1.00 |  |  |" in page


def test_names_are_unique() -> None:
    """--only names one figure."""
    names = [figure.name for figure in FIGURES]

    assert len(set(names)) == len(names)


def test_unknown_figure_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A name that no figure has is answered with those there are."""
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])

    assert "choose from" in capsys.readouterr().err
