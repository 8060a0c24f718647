"""Three hosts that share subnets by three members of etcd."""

from typing import Final
from uuid import uuid4

from tests.lab.commands import wait_until
from tests.lab.etcd import Etcd
from tests.lab.host import Host
from tests.lab.installed import PluginProcess

VERSIONS: Final = ("28", "20.10", "28")
RANGES: Final = "10.48.0.0/12"
CREATE: Final = ("network", "create", "-d", "pynet", "--ipam-driver", "pynet", "-o", "mode=overlay")


def joined(host: Host, etcd: Etcd) -> PluginProcess:
    """Start pynet on the host; return when etcd has heard of it."""
    before = len(etcd.keys("nodes/"))
    plugin = PluginProcess(host, PYNET_ETCD=etcd.setting, PYNET_CLUSTER=RANGES)
    plugin.state.mkdir(mode=0o700)
    (plugin.state / "host-id").write_text(f"{uuid4().hex}\n")  # they are one machine
    plugin.start()
    wait_until(lambda: len(etcd.keys("nodes/")) > before, "the session of a host")
    return plugin


def is_well(plugin: PluginProcess) -> bool:
    """Whether nothing is missing."""
    return not plugin.ask("/health")["degraded"]


def faults_of(plugin: PluginProcess) -> list[str]:
    """What pynet has said of faults of its own."""
    return [line for line in plugin.tail(10**6).splitlines() if ".fault" in line]
