"""The composition root: picks the backends and puts the program together.

Sockets are opened first, then everything slow is done.  So only here imports are inside
functions.  A part that cannot start (a full disk, another pynet is running) is reported in the
health and tried again.  It never ends the process: an engine whose plugin is gone waits
fifteen seconds for every call.
"""

# ruff: noqa: PLC0415

import resource
import threading
from typing import TYPE_CHECKING, Final

from plugin import log
from plugin.config import Config
from plugin.heap import kept, use_one_arena
from plugin.server.listeners import listen

if TYPE_CHECKING:
    from plugin.server.calls import WsgiApp

_log: Final = log.Log("plugin")


def serve(config: Config) -> None:
    """Run until asked to stop.  Raises SettingError if a socket cannot be had."""
    log.configure(config.log_level)
    sockets = [listen(each.path) for each in config.plugin_sockets]
    sockets.append(listen(config.admin_socket))
    _log.info("sockets.bound", paths=",".join(str(s.getsockname()) for s in sockets))
    _raise_file_limit()
    use_one_arena()
    with kept():
        from plugin.server.process import Process

    Process(sockets, lambda: _build(config)).run()


def _build(config: Config) -> "WsgiApp":
    """The application, in the worker: a door for each socket and the services behind them."""
    with kept():
        from plugin.admin.app import application as admin_application
        from plugin.admin.tcp import TcpMetrics
        from plugin.bootstrap.supervisor import Supervisor
        from plugin.kernel.watches import name_process
        from plugin.server.app import application
        from plugin.server.calls import ADMIN_ANSWER_SECONDS, ADMIN_WORK_SECONDS
        from plugin.server.process import by_socket

    name_process()
    supervisor = Supervisor(config)
    apps: dict[str, WsgiApp] = {
        str(each.path): application(supervisor.lookup(each.scope)) for each in config.plugin_sockets
    }
    apps = {path: supervisor.calls.bounded(app) for path, app in apps.items()}
    apps[str(config.admin_socket)] = supervisor.calls.bounded(
        admin_application(supervisor), work=ADMIN_WORK_SECONDS, answer=ADMIN_ANSWER_SECONDS
    )
    threading.Thread(target=supervisor.run, name="supervisor", daemon=True).start()
    if config.metrics is not None:
        TcpMetrics(config.metrics, supervisor.health).start()
    return by_socket(apps)


def _raise_file_limit() -> None:
    """A published port is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
