"""Checking, repairing and removing what is left over: with a plugin and without."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugin import operator
from plugin.bootstrap.supervisor import Supervisor
from plugin.cli import maintenance
from plugin.health import Status
from tests.kernel.netns import Netns, wait_until
from tests.kernel.supervised import (
    BRIDGE,
    DATA,
    NETWORK,
    call,
    make_network,
    settings,
    stop,
    supervised,
)
from tests.unit.cli.conftest import Shell

GENERIC = "com.docker.network.generic"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look comes at once."""
    monkeypatch.setattr(maintenance, "_SECOND_LOOK_SECONDS", 0.0)


@pytest.fixture
def environ(netns: Netns, tmp_path: Path) -> dict[str, str]:
    """Settings of the plugin and of the command."""
    return settings(tmp_path)


@pytest.fixture
def pynet(environ: dict[str, str]) -> Shell:
    """The command, as an administrator runs it on the host."""
    return Shell(Path(environ["PYNET_ADMIN_SOCKET"]), **environ)


@pytest.fixture
def run(environ: dict[str, str]) -> Iterator[Callable[..., Supervisor]]:
    """Starts a plugin, with its admin socket; ``stop`` of the last one ends it."""
    with supervised(environ) as start:
        yield start


class TestRunning:
    def test_a_missing_address_is_told_and_repaired(
        self, run: Callable[..., Supervisor], pynet: Shell, netns: Netns
    ) -> None:
        """Nothing announces it to the plugin."""
        make_network(run())
        whole = pynet("check")
        netns.ip(f"address flush dev {BRIDGE}")
        broken, repaired, again = pynet("check"), pynet("repair"), pynet("check")

        assert whole.output == "nothing differs from what should be\n"
        assert broken.exit_code == 1
        assert BRIDGE in broken.output
        assert (repaired.exit_code, BRIDGE in repaired.output) == (0, True)
        assert again.exit_code == 0

    @pytest.mark.parametrize("deed", ["delete {}", "set {} down"])
    def test_a_link_that_was_changed_is_repaired_by_itself(
        self, run: Callable[..., Supervisor], pynet: Shell, netns: Netns, deed: str
    ) -> None:
        """The kernel announces it, so no tick is waited for; there is none within an hour."""
        make_network(run())
        netns.ip(f"link {deed.format(BRIDGE)}")

        wait_until(lambda: pynet("check").exit_code == 0, "it was not repaired")
        assert ",UP" in netns.run("ip", "link", "show", BRIDGE)

    def test_a_parent_that_is_down_is_said_at_once(
        self, run: Callable[..., Supervisor], netns: Netns
    ) -> None:
        """And no more when its network is gone; no tick comes within an hour."""
        life = run()
        netns.ip("link add one type veth peer other")
        options = {GENERIC: {"mode": "macvlan", "parent": "one"}}
        body = {**NETWORK, "Options": options, "IPv4Data": [DATA], "IPv6Data": []}
        call(life, "NetworkDriver.CreateNetwork", body)
        wait_until(lambda: "one is down" in str(life.health.conditions), "nothing was said")
        call(life, "NetworkDriver.DeleteNetwork", NETWORK)

        wait_until(lambda: not life.health.conditions, "it is still said")

    def test_nobody_works_beside_it(
        self, run: Callable[..., Supervisor], environ: dict[str, str], tmp_path: Path
    ) -> None:
        """With another admin socket it is found all the same."""
        run()
        shell = Shell(tmp_path / "other.sock", **{**environ, "PYNET_ADMIN_SOCKET": "/nonexistent"})
        checked = shell("check")
        restored = shell("restore", "/dev/null")

        assert "another pynet works on this host's network already" in checked.output
        assert restored.exit_code == 1
        assert "stop it first (systemctl stop" in restored.output

    def test_a_pool_that_waits_for_its_network_is_not_garbage_before_it_is_old(
        self, run: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A network's own never is; whether another driver has it, Docker knows."""
        life = run()
        make_network(life)
        call(life, "IpamDriver.RequestPool", {"AddressSpace": "pynet-local", "Pool": "10.8.0.0/24"})
        young = life.maintenance().garbage()["pools"]
        monkeypatch.setattr(operator.maintenance, "_POOL_SECONDS", -1.0)
        old = life.maintenance().garbage()["pools"]
        life.maintenance().collect([], [each["id"] for each in old])

        assert young == []
        assert old == [{"id": "pynet-local/10.8.0.0/24", "prefix": "10.8.0.0/24"}]
        assert [pool["prefix"] for pool in life.addresses().pools()] == ["10.7.0.0/24"]


class TestStopped:
    @pytest.fixture
    def life(self, run: Callable[..., Supervisor], environ: dict[str, str]) -> Supervisor:
        """A plugin that has made a network and ended."""
        life = run()
        make_network(life)
        stop(life, environ)
        return life

    def test_what_it_left_is_no_difference(self, life: Supervisor, pynet: Shell) -> None:
        """Networks outlive it."""
        checked = pynet("check")

        assert "nothing differs from what should be\n" in checked.output
        assert checked.exit_code == 3

    def test_what_is_broken_is_told_and_repaired(
        self, life: Supervisor, pynet: Shell, netns: Netns
    ) -> None:
        """By the command itself."""
        netns.ip(f"link delete {BRIDGE}")
        broken, repaired, again = pynet("check"), pynet("repair"), pynet("check")

        assert (broken.exit_code, BRIDGE in broken.output) == (3, True)
        assert repaired.exit_code == 0
        assert "nothing differs from what should be\n" in again.output

    def test_what_nobody_owns_is_shown_and_removed(
        self, life: Supervisor, pynet: Shell, netns: Netns
    ) -> None:
        """Links and elements that carry our mark."""
        element = "element inet pynet pn_subnets4 { 10.99.0.0/24 }"
        netns.run("nft", "add", *element.split())
        shown, kept = pynet("gc", "--dry-run"), pynet("check")
        taken, again = pynet("gc"), pynet("check")

        assert "10.99.0.0/24" in shown.output
        assert "10.99.0.0/24" in kept.output
        assert "10.99.0.0/24" in taken.output
        assert "nothing differs from what should be\n" in again.output

    def test_a_lost_state_takes_nothing_with_it(
        self,
        life: Supervisor,
        pynet: Shell,
        netns: Netns,
        environ: dict[str, str],
        run: Callable[..., Supervisor],
    ) -> None:
        """Until an administrator says so."""
        for path in Path(environ["PYNET_STATE"]).glob("*.db*"):
            path.unlink()
        again = run(Status.DEGRADED)
        (condition,) = again.health.conditions
        kept = netns.run("ip", "link")
        pynet("gc")

        assert condition.what == "left-overs"
        assert BRIDGE in kept
        wait_until(lambda: BRIDGE not in netns.run("ip", "link"), "the bridge stays")
        assert pynet("check").exit_code == 0

    def test_a_damaged_state_is_refused(
        self, life: Supervisor, pynet: Shell, environ: dict[str, str]
    ) -> None:
        """In one sentence; nothing is taken for left over."""
        (Path(environ["PYNET_STATE"]) / "pynet.db").write_bytes(b"no database at all" * 999)
        result = pynet("gc")

        assert result.exit_code == 3
        assert "pynet.db cannot be opened" in result.output
