"""The life of the worker: start, look after everything every tick, and say how it is.

Doors are open before the services behind them exist; whoever comes early waits, for a
bounded time: for nothing if what is asked is constant, for the services, and then for the network
that is asked about, until the host holds again what that should have.
"""

import threading
from collections.abc import Callable
from typing import Final

from ipam.errors import IpamError
from plugin.bootstrap.services import Builder, Services
from plugin.bootstrap.zoning import Zoning
from plugin.config import Config, Role, Scope
from plugin.errors import KernelError, NotReadyError, PynetError, reasons
from plugin.health import Health
from plugin.kernel.watches import AddressWatch, BridgeWatch, ParentWatch, RulesetWatch
from plugin.log import Log
from plugin.operator.maintenance import Upkeep
from plugin.operator.reservations import AddressDesk
from plugin.server import ipam_driver, network_driver
from plugin.server.app import Handler, Lookup
from plugin.server.calls import Calls
from plugin.store.base import Store
from plugin.upkeep.idle_timer import INHERITED_SECONDS
from plugin.wire.plugin import activation_answer

_log: Final = Log("life")
_CALL_WAITS_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_END_SECONDS: Final = 5.0
_GATHER_SECONDS: Final = 0.1  # a restart of Docker or a firewall is many changes
_START: Final = "start"
_SECOND_LOOK_SECONDS: Final = INHERITED_SECONDS + 1.0
_SLOW_SECONDS: Final = 120.0  # a tick on a host with hundreds of networks takes some


class Life:
    """One per worker."""

    def __init__(self, config: Config) -> None:
        self.health = Health()
        self.calls = Calls(self.health)
        self._config = config
        self._builder = Builder(config, self.health)
        self._services: Services | None = None
        self._built = threading.Event()
        self._zoning: Zoning | None = None
        self._failure = "it is still starting"
        self._failed_once = False
        # What dockerd let go of while pynet was away is known for sure at a second look.
        self._next_look = min(config.tick, _SECOND_LOOK_SECONDS)
        self._running = threading.Lock()
        self._stopped = threading.Event()
        self._meddled = threading.Event()

    def lookup(self, scope: Scope) -> Lookup:
        """Methods of a plugin socket; those that ask for nothing are served at once."""
        roles = self._config.roles
        constant: dict[str, Handler] = {"Plugin.Activate": lambda _: activation_answer(roles)}
        if Role.NETWORK in roles:
            constant |= network_driver.constant_methods(scope)
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

    def desk(self) -> AddressDesk:
        """The IPAM, for people."""
        requires_mac = self._config.addresses.requires_mac
        return AddressDesk(self._ready().allocator, requires_mac=requires_mac)

    def upkeep(self) -> Upkeep:
        """What an administrator may ask for."""
        return self._ready().upkeep

    def heal(self) -> None:
        """Compare the host with what it should hold, now."""
        self._look_after(self._ready())

    def run(self) -> None:
        """Start, however often it takes, then tick until the end."""
        with self._running:
            while not self._stopped.is_set() and not self._started():
                self._stopped.wait(_RETRY_SECONDS)
            while not self._stopped.is_set():
                self._wait_and_tick()

    def stop(self) -> None:
        """End the ticking and let go of what the process holds; networks stay."""
        self._stopped.set()
        self._meddled.set()
        # Whoever ticks is about to end; what cannot end must not keep the process either.
        ended = self._running.acquire(timeout=_END_SECONDS)
        if self._zoning is not None:
            self._zoning.stop()
        self._builder.close()
        if ended:
            self._running.release()

    def _wait_and_tick(self) -> None:
        seconds, self._next_look = self._next_look, self._config.tick
        if self._meddled.wait(seconds):
            self._stopped.wait(_GATHER_SECONDS)
            self._meddled.clear()
        if not self._stopped.is_set():
            self._tick()

    def _watch(self, services: Services) -> None:
        """Before anything is looked at: what happens meanwhile is looked at again."""
        try:
            for watch in (
                RulesetWatch(self._meddled.set),
                BridgeWatch(self._meddled.set),
                ParentWatch(services.parents.concerns, self._meddled.set),
                AddressWatch(services.parents.concerns, self._meddled.set),
            ):
                watch.report_to(self._watch_failed)
            self._zoning = Zoning(services.firewalled.look_after, self._config.tick)
        except KernelError as error:
            self.health.degrade(
                "watch", f"{error}; what changes is seen with the next tick", "none is needed"
            )

    def _watch_failed(self, reason: str) -> None:
        self.health.degrade(
            "announcements",
            f"{reason}; it goes on, and what it missed is seen with the next tick",
            "report it with the line watch.fault of the log, and restart pynet",
        )

    def _started(self) -> bool:
        try:
            services = self._builder.build()
        except PynetError as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - a worker without a life would never say why
            _log.exception("start.fault")
            return self._failed(f"a fault of its own ({type(error).__name__}); see the log")
        self._failed_once = False  # from here on it only takes its time
        self._first_look(services)
        services.locks.open_all()
        self._let_in(services)
        self.health.recover(_START)
        self.health.ready()
        _log.info("plugin.started", status=self.health.status.value)
        return True

    def _first_look(self, services: Services) -> None:
        """What goes wrong here is no reason not to serve: the tick tries again."""
        with self.calls.under_way("the start", seconds=_SLOW_SECONDS):
            # By the names of a tick's steps: what failed is over when the tick's has succeeded.
            self._step("networks", services.healer.prepare)
            self._step("announcements", lambda: self._watch(services))
            self._step("host addresses", services.host_addresses.follow)
            services.locks.shut(network.id for network in services.store.networks())
            self._let_in(services)
            self._step("networks", services.healer.restore)
            self._step("parents", services.parents.look_after)
            self._check("address store", services.recall)

    def _let_in(self, services: Services) -> None:
        self._services = services
        self._built.set()

    def _failed(self, reason: str) -> bool:
        if reason != self._failure:
            _log.error("start.failed", reason=reason)
        self._failure = reason
        self._failed_once = True
        remedy = "correct the settings, and start pynet again"
        if not self._config.fault:
            remedy = "remove the cause; pynet tries again by itself"
        self.health.degrade(_START, reason, remedy)
        return False

    def _tick(self) -> None:
        with self.calls.under_way("the tick", seconds=_SLOW_SECONDS):
            self._look_after(self._ready())

    def _look_after(self, services: Services) -> None:
        self._step("host addresses", services.host_addresses.follow)
        self._step("networks", services.healer.heal)
        self._step("parents", services.parents.look_after)
        self._check("state", services.store.probe)
        self._check("address store", lambda: _look_after_addresses(services))

    def _step(self, name: str, act: Callable[[], object]) -> None:
        """Run one step of a look; if it fails, the others are run all the same.

        The health has what failed until the step has succeeded.
        """
        what = f"look after {name}"
        try:
            act()
        except (PynetError, IpamError, ExceptionGroup) as error:
            reason = reasons(error)
            _log.error("step.failed", step=name, reason=reason)
        except Exception as error:  # noqa: BLE001 - a fault in one tick must not be the last tick
            reason = f"internal error ({type(error).__name__}: {error})"
            _log.exception("step.fault", step=name)
        else:
            self.health.recover(what)
            return
        self.health.degrade(what, reason, "see the log; pynet tries again with every tick")

    def _check(self, what: str, act: Callable[[], object]) -> None:
        """Say in the health what a store cannot do; it is tried again with every tick."""
        try:
            act()
        except (PynetError, IpamError) as error:
            _log.error("store.failed", store=what, reason=error)
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - as in a step
            _log.exception("store.fault", store=what)
            reason = f"internal error ({type(error).__name__}: {error})"
        else:
            self.health.recover(what)
            return
        self.health.degrade(
            what, f"{reason}; nothing new can be made", "make room, or repair the state directory"
        )

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
        # What failed may be mended in a moment, by a process that ends; not in ten seconds.
        return _RETRY_SECONDS * 2 if self._failed_once else _CALL_WAITS_SECONDS


def _look_after_addresses(services: Services) -> None:
    services.recall()
    services.allocator.collect()
