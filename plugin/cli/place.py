"""Find pynet on this host: its settings, its admin socket and its state.

pynet is a service, with settings in a file; or a managed plugin, whose files are in Docker's own
folder.  Commands that run inside the plugin find it as those of the service do.
"""

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from plugin.config import Config, read_config
from plugin.errors import NoPermissionError, SettingError
from plugin.settings import SETTINGS
from plugin.sockets import are_of_managed

_FILE: Final = Path("/etc/default/pynet")  # EnvironmentFile of packaging/systemd/pynet.service
_PLUGINS: Final = Path("/var/lib/docker/plugins")  # moby, daemon/daemon.go: below the data root
_ADMIN: Final = Path("rootfs/run/pynet/admin.sock")  # where a managed plugin listens
_STATE: Final = "propagated-mount"  # config.json, propagatedMount


def config() -> Config:
    """The settings that the service has, unless the environment has others.

    Raises SettingError, and NoPermissionError for a secret that this user may not read.
    """
    try:
        found = read_config({**_file(), **os.environ})
    except SettingError as error:
        if isinstance(error.__cause__, PermissionError):
            raise NoPermissionError(f"{error}; run the command as root") from error
        raise
    if "PYNET_STATE" in os.environ or found.state.exists():
        return found
    managed = next((each for each in plugin_folders() if (each / _STATE).exists()), None)
    return found if managed is None else replace(found, state=managed / _STATE)


def admin_sockets() -> Iterator[Path]:
    """Where an admin socket may be, most likely first; the first is there or not."""
    yield config().admin_socket
    if "PYNET_ADMIN_SOCKET" not in os.environ:
        yield from (each / _ADMIN for each in plugin_folders())


def is_inside_plugin() -> bool:
    """Whether this command runs in the managed plugin, which sees its own files and processes only."""
    return are_of_managed(str(each.path) for each in config().plugin_sockets)


def plugin_folders() -> list[Path]:
    """The folders of managed plugins that have been pynet, running ones or not."""
    with suppress(OSError):
        return sorted(each for each in _PLUGINS.iterdir() if (each / _ADMIN).is_socket())
    return []


def may_look() -> bool:
    """Whether this user would see a managed plugin."""
    return os.access(_PLUGINS, os.R_OK | os.X_OK) or not os.geteuid()


def settings() -> dict[str, str]:
    """Every setting that is given, as it is given."""
    own = {each.name: os.environ[each.name] for each in SETTINGS if each.name in os.environ}
    return {**_file(), **own}


def _file() -> dict[str, str]:
    """What the service's file sets (systemd.exec(5), EnvironmentFile); a bad line sets nothing."""
    names = {each.name for each in SETTINGS}
    found = {}
    with suppress(OSError, UnicodeDecodeError):
        for line in _FILE.read_text(encoding="utf-8").splitlines():
            name, _, value = line.strip().partition("=")
            with suppress(ValueError):
                if name in names:
                    found[name] = "".join(shlex.split(value))
    return found
