"""What a process does not need is not in its memory."""

import subprocess
import sys
from typing import Final

PROGRAM: Final = """
import sys
import {modules}
print([each for each in sys.modules if each.startswith({rooms})])
"""
CLUSTERS: Final = ("etcdgw", "ipam.cluster", "plugin.bootstrap.cluster", "plugin.cluster.etcd")
CALLS: Final = (
    "flask",
    "msgspec",
    "prometheus_client",
    "ipam",
    "plugin.kernel",
    "plugin.telemetry",
)


def imported(modules: str, rooms: tuple[str, ...]) -> str:
    """What of ``rooms`` comes with the modules, in a process of its own."""
    argv = [sys.executable, "-c", PROGRAM.format(modules=modules, rooms=rooms)]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_without_a_cluster_nothing_of_it_is_imported() -> None:
    """A host that is in none pays nothing for it."""
    assert imported("plugin.bootstrap.supervisor", CLUSTERS) == "[]\n"


def test_without_a_lease_no_client_of_dhcp_is_imported() -> None:
    """Most hosts have none."""
    assert (
        imported("plugin.bootstrap.supervisor", ("plugin.dhcp.parent", "plugin.dhcp.client"))
        == "[]\n"
    )


def test_the_arbiter_has_nothing_that_calls_need() -> None:
    """It only starts the worker, and looks whether that is alive."""
    assert imported("plugin.bootstrap, plugin.server.process", CALLS) == "[]\n"


def test_the_worker_has_nothing_that_other_requests_need() -> None:
    """Engines and commands ask in forms that need no framework."""
    served = (
        "plugin.server.worker, plugin.server.app, plugin.admin.app, plugin.bootstrap.supervisor"
    )

    assert imported(served, ("flask", "werkzeug", "jinja2", "click")) == "[]\n"
