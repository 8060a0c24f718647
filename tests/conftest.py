"""What every test shares: root where it is needed, and the logs of what failed."""

import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

NEEDS_ROOT = ("kernel", "lab", "e2e")
HERE = Path(__file__).parent

# Whoever runs something with a log puts (title, tail of the log) here; see pytest_runtest_makereport.
LOGS = pytest.StashKey[dict[str, Callable[[], str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LOGS] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only root can do for anybody else."""
    if os.geteuid() == 0:
        return
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in NEEDS_ROOT:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the logs of the hosts and plugins of a failed test to its report."""
    report = yield
    if report.failed:
        for title, tail in item.config.stash[LOGS].items():
            report.sections.append((title, tail()))
    return report
