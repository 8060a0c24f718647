"""The page of what was counted."""

from tests.reliability.proof import Count, Proof, Scope
from tests.reliability.report import Outcome, lines, page, section

PROOF = Proof(name="one-thing", title="One thing", method="It is tried.", prove=lambda _: ())
OTHER = Proof(name="other", title="Other thing", method="Also.", prove=lambda _: ())


def outcome(proof: Proof = PROOF, number: float = 1200) -> Outcome:
    return Outcome(proof=proof, seconds=3, counts=(Count(what="lives", number=number),))


def test_a_section_has_what_was_counted() -> None:
    """For people who ask how often."""
    text = section(outcome())

    assert text.startswith("## One thing (`one-thing`)\n\nIt is tried.\n")
    assert "| lives | 1,200 |" in text


def test_a_proof_that_is_run_again_replaces_its_section_and_no_other() -> None:
    """Some take a night."""
    order = ["one-thing", "other"]
    first = page("", {"other": section(outcome(OTHER)), "one-thing": section(outcome())}, order)
    again = page(first, {"one-thing": section(outcome(number=7))}, order)

    assert again == first.replace("1,200", "7", 1)
    assert again.index("One thing") < again.index("Other thing")


def test_a_failure_is_said_and_not_counted_as_proof() -> None:
    """Nobody should have to look for it."""
    failed = Outcome(proof=PROOF, seconds=1, failure="it hung")

    assert "**Failed:** it hung" in section(failed)
    assert lines(failed) == ["one-thing: FAILED, 1 s"]


def test_a_number_that_is_not_whole_keeps_its_unit() -> None:
    """A growth of memory, for instance."""
    count = Count(what="growth", number=0.256, unit="MiB")

    assert lines(Outcome(proof=PROOF, seconds=1, counts=(count,)))[0] == "growth: 0.26 MiB"


def test_a_short_run_affords_less() -> None:
    """And counts the same way."""
    assert list(Scope(short=True, seed=1).rounds(10, 3)) == [0, 1, 2]
    assert len(list(Scope(short=False, seed=1).rounds(10, 3))) == 10
