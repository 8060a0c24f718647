"""In the place of a plugin that does not run: its state and its host, for one command.

The claim is held meanwhile, so that a plugin that starts waits until the command is done.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

from plugin.bootstrap.services import Builder
from plugin.cluster.swarm import Agents
from plugin.config import Config
from plugin.errors import KernelError, NoPermissionError, RefusedError, StoreError
from plugin.firewall import skeleton
from plugin.firewall.firewalld import Firewalld
from plugin.firewall.removal import FirewallTraces
from plugin.health import Health
from plugin.kernel.engine_sockets import swarm_agents
from plugin.kernel.instance_lock import claim
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.watches import name_process
from plugin.operator.base import Maintenance, Traces
from plugin.operator.uninstall import (
    Installation,
    LinkTraces,
    StateTraces,
    ZoneTraces,
    containers_on,
)
from plugin.store.directory import STATE_FILE, require_state
from plugin.store.sqlite import SqliteStore


@contextmanager
def stopped(config: Config) -> Iterator[Maintenance]:
    """The maintenance commands while no plugin runs.

    Raises KernelError if a plugin works on this host's network after all, StoreError if there is
    no state, and NoPermissionError if this user may not read it.
    """
    require_state(config.state)
    name_process()
    builder = Builder(config, Health(), Agents(swarm_agents), running=False)
    try:
        yield builder.build().maintenance
    finally:
        builder.close()


def require_root() -> None:
    """Raise NoPermissionError unless this user may change the host's network."""
    if os.geteuid():
        raise NoPermissionError("to remove pynet changes the host's network; run it as root")


@contextmanager
def installation(config: Config, *, state: bool) -> Iterator[Installation]:
    """What pynet left on this host, with or without its ``state``.

    Raises RefusedError if a plugin runs, StoreError if the state cannot be read, and
    NoPermissionError if this user may not change the host.
    """
    require_root()
    name_process()
    with nobody_runs(), closing(LinuxKernel(config.sysctls)) as kernel:
        ruleset = NfTables()
        traces: list[Traces] = [
            LinkTraces(kernel, kernel.settle),
            ZoneTraces(kernel, Firewalld()),
            FirewallTraces(skeleton.tables(config.mark), ruleset),
        ]
        if state:
            traces.append(StateTraces(config.state))
        with closing(ruleset):
            yield Installation(
                networks=_networks(config), containers=containers_on(kernel), traces=traces
            )


def _networks(config: Config) -> tuple[str, ...]:
    path = config.state / STATE_FILE
    if not path.exists():
        return ()
    try:
        with closing(SqliteStore(path)) as store:
            return tuple(network.id for network in store.networks())
    except StoreError as error:
        raise StoreError(
            f"{error}; to remove pynet all the same, move {path} to another folder first"
        ) from error


@contextmanager
def nobody_runs() -> Iterator[None]:
    """Raise RefusedError if a plugin works on this host's network; none starts meanwhile."""
    try:
        held = claim()
    except KernelError as error:
        raise RefusedError(
            f"{error}; stop it first (systemctl stop pynet.socket pynet.service, or docker plugin "
            f"disable -f pynet/pynet)"
        ) from error
    with held:
        yield
