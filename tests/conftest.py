"""What every test shares: root where it is needed, and the logs of what failed."""

import os
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

NEEDS_ROOT = ("kernel", "vm", "lab", "e2e", "packages")
IN_MACHINE = "PYNET_VM" in os.environ  # the virtual machine of tests/vm
HERE = Path(__file__).parent

# Fixtures that run something with a log put (title, tail of the log) here; see pytest_runtest_makereport.
LOGS = pytest.StashKey[dict[str, Callable[[], str]]]()
LEFT_OUT = pytest.StashKey[int]()
LATER = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LOGS] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what needs root for other users, and leave the virtual machine's tests to it."""
    if "nightly" not in config.option.markexpr:
        later = [item for item in items if item.get_closest_marker("nightly")]
        items[:] = [item for item in items if not item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=later)
        config.stash[LATER] = len(later)
    if not IN_MACHINE:
        elsewhere = [item for item in items if item.get_closest_marker("vm")]
        items[:] = [item for item in items if not item.get_closest_marker("vm")]
        config.hook.pytest_deselected(items=elsewhere)
        config.stash[LEFT_OUT] = len(elsewhere)
    if os.geteuid() == 0:
        return
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in NEEDS_ROOT:
            item.add_marker(pytest.mark.skip(reason="needs root"))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what was left out, and where it runs."""
    if later := config.stash.get(LATER, 0):
        terminalreporter.write_line(f"{later} left out: marked nightly; see make nightly")
    if left_out := config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(
            f"{left_out} left out: marked vm, for kernels that have everything; see make vm, vm-engine"
        )


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


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened for writing to a database, in their order."""
    opened = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **options)
        if not options.get("uri"):
            opened.append(connection)
        return connection

    monkeypatch.setattr(sqlite3, "connect", remember)
    return opened
