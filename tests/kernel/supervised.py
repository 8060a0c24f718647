"""A plugin in this process, and the calls that an engine makes to it."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from werkzeug.serving import make_server

from plugin.admin.flask_app import create_app
from plugin.bootstrap.supervisor import Supervisor
from plugin.config import Scope, read_config
from plugin.health import Status
from plugin.kernel.watches import name_process
from plugin.model.ids import EndpointID, NetworkID, bridge_name, handoff_name
from tests.kernel.netns import Netns, wait_until

NETWORK: Final = {"NetworkID": "a" * 64}
DATA: Final = {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}
BRIDGE: Final = bridge_name(NetworkID("a" * 64))


def settings(place: Path) -> dict[str, str]:
    """Settings of a plugin, and of a command on the same host, with all files in the place."""
    return {
        "PYNET_STATE": str(place / "state"),
        "PYNET_PLUGIN_SOCKETS": str(place / "pynet.sock"),
        "PYNET_ADMIN_SOCKET": str(place / "admin.sock"),
        "PYNET_TICK": "3600",
        "DOCKER_HOST": f"unix://{place}/none.sock",
    }


@contextmanager
def as_the_plugin() -> Iterator[None]:
    """Give this thread the plugin's name: watches do not report what it changes."""
    own_name = Path("/proc/thread-self/comm")
    before = own_name.read_text()
    name_process()
    yield
    own_name.write_text(before)


@contextmanager
def supervised(environ: dict[str, str]) -> Iterator[Callable[..., Supervisor]]:
    """What starts a plugin with its admin socket; ``stop`` of the last one ends it."""

    def start(status: Status = Status.OK) -> Supervisor:
        life = Supervisor(read_config(environ))
        server = make_server(
            f"unix://{environ['PYNET_ADMIN_SOCKET']}", 0, create_app(life), threaded=True
        )
        for work in (life.run, lambda: server.serve_forever(poll_interval=0.01)):
            threading.Thread(target=work, daemon=True).start()
        stack.callback(_end, life, server)
        wait_until(lambda: life.health.status is status, "the plugin did not start")
        return life

    with as_the_plugin(), ExitStack() as stack:
        yield start


def _end(life: Supervisor, server: Any) -> None:
    server.shutdown()
    server.server_close()
    life.stop()


def stop(life: Supervisor, environ: dict[str, str]) -> None:
    """As the process ends: its admin socket is gone."""
    life.stop()
    Path(environ["PYNET_ADMIN_SOCKET"]).unlink()


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
