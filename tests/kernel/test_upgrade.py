"""A pynet that starts on a host of the version before it: nothing is made anew or removed.

Under traffic that is no packet lost.  `tests.kernel.earlier.record` says how a host is recorded.
"""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.bootstrap.supervisor import Supervisor
from plugin.config import read_config
from plugin.health import Status
from plugin.telemetry import DRIFT
from tests.kernel.earlier.host import EarlierHost
from tests.kernel.netns import Netns, wait_until
from tests.lab.traces import take

EARLIER = ("495a786",)
# What new rules ask for; and of Docker's chains the host here has none, as after its restart.
MAY_COME = ("nft ", "iptables ", "ip6tables ")


@pytest.fixture(params=EARLIER)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EarlierHost]:
    made = EarlierHost(request.param, tmp_path / "state")
    with made.netns.entered():
        yield made
    made.close()


@pytest.fixture
def supervisor(host: EarlierHost, tmp_path: Path) -> Iterator[Supervisor]:
    """This version, on that host."""
    environ = {
        "PYNET_STATE": str(tmp_path / "state"),
        "PYNET_PLUGIN_SOCKETS": str(tmp_path / "pynet.sock"),
        "PYNET_ADMIN_SOCKET": str(tmp_path / "admin.sock"),
        "PYNET_TICK": "3600",
    }
    made = Supervisor(read_config(environ))
    yield made
    made.stop()


def links(netns: Netns) -> set[tuple[str, int, str]]:
    return {
        (each["ifname"], each["ifindex"], each.get("master", ""))
        for each in json.loads(netns.run("ip", "-json", "link"))
    }


def drift() -> float:
    return sum(s.value for m in DRIFT.collect() for s in m.samples if s.name.endswith("_total"))


def test_nothing_is_made_anew_or_removed(host: EarlierHost, supervisor: Supervisor) -> None:
    """And `check`, `gc` and a tick then have nothing to say."""
    before, made, counted = take(Path(host.netns.path)), links(host.netns), drift()
    threading.Thread(target=supervisor.run, daemon=True).start()
    wait_until(lambda: supervisor.health.status is not Status.STARTING, "it did not start")
    maintenance = supervisor.maintenance()

    assert maintenance.check() == []
    assert maintenance.garbage()["rows"] == []
    supervisor.heal()
    assert drift() == counted
    assert links(host.netns) == made
    after = take(Path(host.netns.path))
    assert after.missing(before) == []
    assert [each for each in after.beyond(before) if not each.startswith(MAY_COME)] == []
    assert supervisor.health.conditions == ()
