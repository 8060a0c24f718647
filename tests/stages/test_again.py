"""Tests that were run once more."""

from tests.stages.again import run_again


def test_each_is_named_once() -> None:
    """As pytest writes them: in the summary, not beside each test."""
    said = [
        "tests/kernel/test_b.py::test_two RERUN [ 50%]",
        "RERUN tests/kernel/test_b.py::test_two[a - b]",
        "RERUN tests/kernel/test_a.py::test_one - AssertionError: assert 1 == 2",
        "RERUN tests/kernel/test_a.py::test_one",
        "RERUN is a word",
        "2 passed, 3 rerun in 1.19s",
    ]

    assert run_again(said) == [
        "   tests/kernel/test_a.py::test_one",
        "   tests/kernel/test_b.py::test_two[a - b]",
    ]
