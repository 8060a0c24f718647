"""A worker starts however often it takes, and says what it waits for."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.bootstrap.supervisor import Supervisor
from plugin.config import Scope, read_config
from plugin.errors import NotReadyError
from plugin.health import Status
from plugin.kernel.instance_lock import claim
from plugin.upkeep.healing import Healer
from tests.kernel.netns import Netns, wait_until


@pytest.fixture
def life(netns: Netns, tmp_path: Path) -> Iterator[Supervisor]:
    """The life of a worker that has not begun, on a fresh host."""
    environ = {
        "PYNET_STATE": str(tmp_path / "state"),
        "PYNET_PLUGIN_SOCKETS": str(tmp_path / "pynet.sock"),
        "PYNET_ADMIN_SOCKET": str(tmp_path / "admin.sock"),
        "PYNET_TICK": "3600",
    }
    made = Supervisor(read_config(environ))
    yield made
    made.stop()


def begin(life: Supervisor) -> None:
    threading.Thread(target=life.run, daemon=True).start()


def test_it_is_ready_in_the_end(life: Supervisor) -> None:
    """With both protocols, and nothing to complain of."""
    begin(life)
    wait_until(lambda: life.health.status is Status.OK, "the plugin did not start")
    find = life.lookup(Scope.LOCAL)

    assert find("NetworkDriver.CreateNetwork") is not None
    assert find("IpamDriver.RequestPool") is not None
    assert find("NetworkDriver.Nonsense") is None


def test_a_state_directory_that_cannot_be_made_is_said(life: Supervisor, tmp_path: Path) -> None:
    """And tried again: the disk may come later."""
    (tmp_path / "state").write_text("a file")
    begin(life)
    wait_until(lambda: life.health.conditions, "nothing was said")
    (condition,) = life.health.conditions
    status = life.health.status
    (tmp_path / "state").unlink()
    wait_until(lambda: life.health.status is Status.OK, "the plugin did not start after all")

    assert status is Status.DEGRADED
    assert "PYNET_STATE" in condition.why


def test_a_call_before_that_says_why(life: Supervisor, tmp_path: Path) -> None:
    """Instead of hanging the engine."""
    (tmp_path / "state").write_text("a file")
    begin(life)
    wait_until(lambda: life.health.conditions, "nothing was said")

    with pytest.raises(NotReadyError, match="pynet is not ready: PYNET_STATE"):
        life.lookup(Scope.LOCAL)("NetworkDriver.CreateNetwork")


@pytest.mark.parametrize(
    "method",
    ["Plugin.Activate", "NetworkDriver.GetCapabilities", "IpamDriver.GetDefaultAddressSpaces"],
)
def test_what_is_constant_waits_for_nothing(life: Supervisor, method: str) -> None:
    """An engine that gets no answer forgets the plugin; this one has not even begun."""
    handler = life.lookup(Scope.LOCAL)(method)

    assert handler is not None
    assert handler(b"")


def test_calls_come_in_while_networks_are_restored(
    life: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for the network that it is about, not for all of them."""
    over, called = threading.Event(), threading.Event()

    def restore(_: Healer) -> None:
        called.set()
        over.wait(60)

    monkeypatch.setattr(Healer, "restore", restore)
    begin(life)
    try:
        assert called.wait(60)
        handler = life.lookup(Scope.LOCAL)("IpamDriver.GetCapabilities")
        assert handler is not None
        assert handler(b"")
        assert life.health.status is Status.STARTING
    finally:
        over.set()


def test_a_second_pynet_waits_until_the_first_is_gone(life: Supervisor) -> None:
    """Two on one host would take each other's links for left-overs."""
    with claim():
        begin(life)
        wait_until(lambda: life.health.conditions, "nothing was said")
        (condition,) = life.health.conditions
    wait_until(lambda: life.health.status is Status.OK, "the second did not take over")

    assert "another pynet" in condition.why


def test_what_changes_while_it_looks_is_looked_at_again(
    life: Supervisor, netns: Netns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine starts beside it, and makes a bridge when Docker's bridges have been seen."""
    late = "br-0123456789ab"
    restore = Healer.restore

    def restore_and_miss(healer: Healer) -> None:
        restore(healer)
        netns.ip(f"link add {late} type bridge")

    monkeypatch.setattr(Healer, "restore", restore_and_miss)
    begin(life)
    wait_until(lambda: life.health.status is Status.OK, "the plugin did not start")

    wait_until(
        lambda: late in netns.run("nft", "list", "table", "inet", "pynet"), "it is not known"
    )
