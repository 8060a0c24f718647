"""Looking, putting right, taking away, saving and bringing back: with a plugin and without."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from plugin import operator
from plugin.admin.app import create_app
from plugin.bootstrap.supervisor import Supervisor
from plugin.cli import maintenance
from plugin.config import Scope, read_config
from plugin.health import Status
from plugin.kernel.watches import name_process
from plugin.model.ids import EndpointID, NetworkID, bridge_name, handoff_name
from tests.kernel.netns import Netns, wait_until
from tests.unit.cli.conftest import Shell

GENERIC = "com.docker.network.generic"
NETWORK = {"NetworkID": "a" * 64}
DATA = {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}
BRIDGE = bridge_name(NetworkID("a" * 64))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second look comes at once."""
    monkeypatch.setattr(maintenance, "_SECOND_LOOK_SECONDS", 0.0)


@pytest.fixture
def environ(netns: Netns, tmp_path: Path) -> dict[str, str]:
    """Settings of the plugin and of the command."""
    return {
        "PYNET_STATE": str(tmp_path / "state"),
        "PYNET_PLUGIN_SOCKETS": str(tmp_path / "pynet.sock"),
        "PYNET_ADMIN_SOCKET": str(tmp_path / "admin.sock"),
        "PYNET_TICK": "3600",
        "DOCKER_HOST": f"unix://{tmp_path}/none.sock",
    }


@pytest.fixture
def pynet(environ: dict[str, str]) -> Shell:
    """The command, as an administrator runs it on the host."""
    return Shell(Path(environ["PYNET_ADMIN_SOCKET"]), **environ)


@pytest.fixture
def run(environ: dict[str, str]) -> Iterator[Callable[..., Supervisor]]:
    """Starts a plugin, with its admin socket; ``stop`` of the last one ends it."""
    lives = []
    own_name = Path("/proc/thread-self/comm")
    before = own_name.read_text()
    name_process()  # its own changes of the rules are none that it hears of

    def start(status: Status = Status.OK) -> Supervisor:
        life = Supervisor(read_config(environ))
        server = make_server(
            f"unix://{environ['PYNET_ADMIN_SOCKET']}", 0, create_app(life), threaded=True
        )
        for work in (life.run, lambda: server.serve_forever(poll_interval=0.01)):
            threading.Thread(target=work, daemon=True).start()
        lives.append((life, server))
        wait_until(lambda: life.health.status is status, "the plugin did not start")
        return life

    yield start
    for life, server in lives:
        end(life, server)
    own_name.write_text(before)


def end(life: Supervisor, server: Any) -> None:
    server.shutdown()
    server.server_close()
    life.stop()


def call(life: Supervisor, method: str, body: dict[str, Any]) -> None:
    handler = life.lookup(Scope.LOCAL)(method)
    assert handler
    assert not handler(json.dumps(body).encode()).get("Err")


def make_network(life: Supervisor) -> None:
    call(life, "IpamDriver.RequestPool", {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24"})
    body = {**NETWORK, "Options": {}, "IPv4Data": [DATA], "IPv6Data": []}
    call(life, "NetworkDriver.CreateNetwork", body)


def take_address(life: Supervisor, wanted: str = "") -> str:
    """This one, or the next that is free."""
    handler = life.lookup(Scope.LOCAL)("IpamDriver.RequestAddress")
    assert handler
    body = {"PoolID": "pynet-local/10.7.0.0/24", "Address": wanted.partition("/")[0], "Options": {}}
    return str(handler(json.dumps(body).encode())["Address"])


def give_back(life: Supervisor, address: str) -> None:
    body = {"PoolID": "pynet-local/10.7.0.0/24", "Address": address.partition("/")[0]}
    call(life, "IpamDriver.ReleaseAddress", body)


def start_container(life: Supervisor, netns: Netns, sandbox: Netns, address: str) -> None:
    """As dockerd does, which takes the link into the sandbox."""
    endpoint = {**NETWORK, "EndpointID": "e" * 64}
    call(life, "NetworkDriver.CreateEndpoint", {**endpoint, "Interface": {"Address": address}})
    call(life, "NetworkDriver.Join", {**endpoint, "SandboxKey": "/run/docker/netns/x"})
    link = handoff_name(EndpointID("e" * 64))
    netns.ip(f"link set {link} netns {sandbox.path}")
    sandbox.ip(f"link set {link} name eth0", "link set eth0 up")
    sandbox.wait_for_carrier("eth0")


def stop(life: Supervisor, environ: dict[str, str]) -> None:
    """As the process ends: nobody listens any more."""
    life.stop()
    Path(environ["PYNET_ADMIN_SOCKET"]).unlink()


class TestRunning:
    def test_a_missing_address_is_told_and_put_right(
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
    def test_a_link_that_somebody_changed_is_put_right_by_itself(
        self, run: Callable[..., Supervisor], pynet: Shell, netns: Netns, deed: str
    ) -> None:
        """The kernel announces it, so no tick is waited for; there is none within an hour."""
        make_network(run())
        netns.ip(f"link {deed.format(BRIDGE)}")

        wait_until(lambda: pynet("check").exit_code == 0, "it was not put right")
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
        assert pynet("check").output == "nothing differs from what should be\n"

    def test_what_is_broken_is_told_and_put_right(
        self, life: Supervisor, pynet: Shell, netns: Netns
    ) -> None:
        """By the command itself."""
        netns.ip(f"link delete {BRIDGE}")
        broken, repaired, again = pynet("check"), pynet("repair"), pynet("check")

        assert (broken.exit_code, BRIDGE in broken.output) == (1, True)
        assert repaired.exit_code == 0
        assert again.exit_code == 0

    def test_what_nobody_owns_is_shown_and_taken_away(
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
        assert again.exit_code == 0

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

        assert result.exit_code == 1
        assert "pynet.db cannot be opened" in result.output


class TestBackup:
    def test_saved_while_it_runs_and_brought_back(
        self,
        run: Callable[..., Supervisor],
        pynet: Shell,
        environ: dict[str, str],
        tmp_path: Path,
        netns: Netns,
    ) -> None:
        """After a loss, the next start makes everything again."""
        life = run()
        make_network(life)
        saved = tmp_path / "saved.tar"
        told = pynet("backup", str(saved))
        busy = pynet("restore", str(saved))
        call(life, "NetworkDriver.DeleteNetwork", NETWORK)
        stop(life, environ)
        restored = pynet("restore", str(saved))
        links = netns.run("ip", "link")
        run()

        assert told.output == f"saved {environ['PYNET_STATE']} in {saved}\n"
        assert saved.stat().st_mode & 0o777 == 0o600
        assert (busy.exit_code, "stop it first" in busy.output) == (1, True)
        assert restored.exit_code == 0
        assert "what was there is in" in restored.output
        assert BRIDGE not in links
        assert BRIDGE in netns.run("ip", "link")
        assert pynet("check").exit_code == 0

    def test_what_came_after_it_runs_on(
        self,
        run: Callable[..., Supervisor],
        pynet: Shell,
        environ: dict[str, str],
        tmp_path: Path,
        netns: Netns,
    ) -> None:
        """And keeps its address, until it gives it back."""
        life = run()
        make_network(life)
        saved, sandbox = tmp_path / "saved.tar", Netns()
        pynet("backup", str(saved))
        address = take_address(life)
        start_container(life, netns, sandbox, address)
        before = netns.run("ip", "-o", "link"), netns.run("nft", "list", "ruleset")
        stop(life, environ)
        pynet("restore", str(saved))
        again = run(Status.DEGRADED)
        (condition,) = again.health.conditions
        after = netns.run("ip", "-o", "link"), netns.run("nft", "list", "ruleset")
        taken = take_address(again)
        give_back(again, address)

        assert condition.what == "left-overs"
        assert "was restored or copied, and lacks" in condition.why
        assert after == before
        assert taken != address
        assert take_address(again, address) == address

    def test_what_has_ended_since_then_keeps_no_address(
        self,
        run: Callable[..., Supervisor],
        pynet: Shell,
        environ: dict[str, str],
        tmp_path: Path,
        netns: Netns,
    ) -> None:
        """Its engine has given that back already, when nobody listened."""
        life = run()
        make_network(life)
        saved, sandbox = tmp_path / "saved.tar", Netns()
        pynet("backup", str(saved))
        address = take_address(life)
        start_container(life, netns, sandbox, address)
        stop(life, environ)
        sandbox.ip("link set eth0 down")
        pynet("restore", str(saved))

        assert take_address(run(Status.DEGRADED), address) == address

    def test_to_a_place_that_cannot_be_written(
        self, run: Callable[..., Supervisor], pynet: Shell, tmp_path: Path
    ) -> None:
        """Nothing half is left."""
        run()
        result = pynet("backup", str(tmp_path / "nowhere/saved.tar"))

        assert result.exit_code == 1
        assert "nowhere/saved.tar cannot be written: No such file or directory" in result.output
