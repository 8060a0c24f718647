"""Start the worker's services, however often it takes, and keep the loop running.

The sockets are open before the services behind them exist.  An early call is answered at once if
its answer is constant.  Otherwise it waits, for a bounded time, for the services, and then until
the host holds the plan of its network again.
"""

import threading
from typing import Final

from plugin import telemetry
from plugin.bootstrap.services import Builder, Services
from plugin.cluster.swarm import Agents
from plugin.config import Config, Role, Scope
from plugin.errors import NotReadyError, PynetError, RefusedError, SettingError
from plugin.health import Condition, Health
from plugin.kernel.engine_sockets import swarm_agents
from plugin.log import Log
from plugin.operator.base import Cluster, Explaining, Reservations
from plugin.operator.drops import Drops
from plugin.operator.host_metrics import HostMetrics
from plugin.operator.leases import DhcpLeases
from plugin.operator.maintenance import HostMaintenance
from plugin.operator.overview import Overview
from plugin.server import ipam_driver, network_driver
from plugin.server.app import Handler, Lookup
from plugin.server.calls import Calls
from plugin.store.base import Store
from plugin.upkeep.loop import Loop
from plugin.wire.handshake import activation_answer

_log: Final = Log("supervisor")
_CALL_WAITS_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_END_SECONDS: Final = 5.0
_START: Final = "start"
_SLOW_SECONDS: Final = 120.0  # a tick on a host with hundreds of networks takes some


class Supervisor:
    """One per worker."""

    def __init__(self, config: Config) -> None:
        self.health = Health(_tell)
        self.calls = Calls(self.health)
        self._config = config
        self._agents = Agents(swarm_agents)
        self._builder = Builder(config, self.health, self._agents)
        self._services: Services | None = None
        self._built = threading.Event()
        self._loop: Loop | None = None
        self._failure = "it is still starting"
        self._failed_once = False
        self._running = threading.Lock()
        metrics = HostMetrics(self.health, self._seen, lambda: self.calls.count)
        telemetry.GATHERED.read = metrics.collect
        self._stopped = threading.Event()

    def lookup(self, scope: Scope) -> Lookup:
        """Methods of a plugin socket; those that ask for nothing are served at once."""
        roles = self._config.roles
        constant: dict[str, Handler] = {"Plugin.Activate": lambda _: activation_answer(roles)}
        if Role.NETWORK in roles:
            constant |= network_driver.constant_methods(scope, self._agents.asked)
        if Role.IPAM in roles:
            constant |= ipam_driver.constant_methods()
        built: dict[str, Handler] = {}

        def find(method: str) -> Handler | None:
            handler = constant.get(method)
            if handler is None:
                if not built:
                    built.update(self._serving().methods(self._config, scope))
                handler = built.get(method)
            return handler

        return find

    def store(self) -> Store:
        """The state, for those who only look."""
        return self._ready().store

    def addresses(self) -> Reservations:
        """The pools and reservations of the IPAM."""
        return self._ready().reservations

    def maintenance(self) -> HostMaintenance:
        """What an administrator may ask for."""
        return self._ready().maintenance

    def cluster(self) -> Cluster:
        """The hosts that this one shares networks with.  Raises RefusedError if there is no cluster."""
        shared = self._ready().shared
        if shared is None:
            raise RefusedError("this host is in no cluster; name etcd's members in PYNET_ETCD")
        return shared

    def explanations(self) -> Explaining:
        """How networks would be built by hand."""
        return self._ready().explanations

    def overview(self) -> Overview:
        """How everything is, in a few lines."""
        return self._ready().overview

    def drops(self) -> Drops:
        """What the firewall has dropped."""
        return self._ready().drops

    def leases(self) -> DhcpLeases:
        """Leases of DHCP servers."""
        return self._ready().leases

    def heal(self) -> None:
        """Compare the host with what it should hold, now."""
        self._ready()
        self._running_loop.look()

    def run(self) -> None:
        """Start, however often it takes, then look at every tick until the end."""
        with self._running:
            while not self._stopped.is_set() and not self._started():
                self._stopped.wait(_RETRY_SECONDS)
            while not self._stopped.is_set():
                self._running_loop.wait()
                if not self._stopped.is_set():
                    with self.calls.under_way("the tick", seconds=_SLOW_SECONDS):
                        self._running_loop.look_where_due()

    def stop(self) -> None:
        """End the loop and close what the process holds open; networks stay."""
        self._stopped.set()
        if self._loop is not None:
            self._loop.stop()
        # What cannot end must not keep the process either.
        ended = self._running.acquire(timeout=_END_SECONDS)
        self._builder.close()
        if ended:
            self._running.release()

    def _seen(self) -> tuple[Store, Reservations] | None:
        """What metrics count; None before there is anything."""
        services = self._services
        return None if services is None else (services.store, services.reservations)

    @property
    def _running_loop(self) -> Loop:
        if self._loop is None:
            raise NotReadyError(f"pynet is not ready: {self._failure}")
        return self._loop

    def _started(self) -> bool:
        try:
            services = self._builder.build()
        except PynetError as error:
            return self._failed(str(error), wrong_setting=isinstance(error, SettingError))
        except Exception as error:  # noqa: BLE001 - a worker without services would never report why
            _log.exception("start.fault")
            return self._failed(f"internal error ({type(error).__name__}); see the log")
        self._failed_once = False  # from here on it only takes its time
        self._loop = Loop(services.upkeep, self.health, self._config.tick)
        with self.calls.under_way("the start", seconds=_SLOW_SECONDS):
            self._loop.start(lambda: self._let_in_early(services))
        services.parts.locks.open_all()
        self._let_in(services)
        self.health.recover(_START)
        self.health.ready()
        _log.info("plugin.started", status=self.health.status.value)
        return True

    def _let_in_early(self, services: Services) -> None:
        """Serve calls; one about a network waits until that network has been restored."""
        services.parts.locks.shut(network.id for network in services.store.networks())
        self._let_in(services)

    def _let_in(self, services: Services) -> None:
        self._services = services
        self._built.set()

    def _failed(self, reason: str, *, wrong_setting: bool = False) -> bool:
        if reason != self._failure:
            _log.error("start.failed", reason=reason)
        self._failure = reason
        self._failed_once = True
        remedy = "correct the settings, and start pynet again"
        if not (self._config.fault or wrong_setting):
            remedy = "remove the cause; pynet tries again by itself"
        self.health.degrade(_START, reason, remedy)
        return False

    def _ready(self) -> Services:
        """The services, when all networks have been looked at."""
        self.health.wait_ready(self._patience)
        return self._serving()

    def _serving(self) -> Services:
        """The services, as soon as there are some."""
        self._built.wait(self._patience)
        if self._services is None:
            raise NotReadyError(f"pynet is not ready: {self._failure}")
        return self._services

    @property
    def _patience(self) -> float:
        # After a failure wait less: the cause (another process, say) may be gone soon.
        return _RETRY_SECONDS * 2 if self._failed_once else _CALL_WAITS_SECONDS


def _tell(what: str, condition: Condition) -> None:
    """A line of the log for each condition that comes or goes."""
    if what == "degraded":
        _log.warning("health.degraded", what=condition.what, why=condition.why)
    else:
        _log.info("health.recovered", what=condition.what)
