"""The page of a simulated cluster."""

from tests.benchmarks.scale_page import Figure, page


def test_figures_have_digits_that_mean_something() -> None:
    """Whole numbers none, small ones two."""
    texts = [Figure("a", each).text for each in (1000, 12345.6, 0, 1.2345)]

    assert texts == ["1,000", "12,346", "0", "1.23"]
    assert Figure("a join", 3.14159, "ms").line == "a join: 3.14 ms"


def test_the_page_has_all_of_them() -> None:
    """In a table, between what was done and what it means."""
    text = page([Figure("networks, each on all hosts", 10), Figure("hosts", 7)], "here")

    assert "share 10 networks" in text
    assert "| hosts | 7 |\n" in text
    assert text.index("| hosts") < text.index("## What it means")
