"""pynet as a managed plugin, which the engine of a host runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError
from tests.lab.debian import CACHE, mirror
from tests.lab.host import Host
from tests.lab.installed import REPOSITORY, Installed

MANAGED_NAME: Final = "pynet/pynet:latest"
# What dockerd makes of a line that a plugin prints.
OWN_LINE: Final = re.compile(r'msg="(.*)" plugin=')


class ManagedPlugin(Installed):
    """pynet/pynet:latest in the engine of a host."""

    driver = MANAGED_NAME

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.host = host

    @property
    def identity(self) -> str:
        return str(self.host.client.plugins.get(MANAGED_NAME).id)

    @property
    def admin_socket(self) -> Path:
        return self._folder / "rootfs/run/pynet/admin.sock"

    @property
    def state(self) -> Path:
        return self._folder / "propagated-mount"

    def install(self) -> None:
        """Build it, create it in the host's engine and enable it."""
        call = shlex.join(self.host.enter("docker"))
        self._packaging("install", f"--docker={call}")
        self.disable()
        self.set("PYNET_LOG_LEVEL=debug")
        self.enable()

    def build(self) -> Path:
        """Return its directory (config.json and rootfs), built in this host."""
        call = shlex.join(self.host.enter("docker"))
        return Path(self._packaging("build", f"--docker={call}").strip())

    @property
    def enabled(self) -> bool:
        return bool(self.host.client.plugins.get(MANAGED_NAME).enabled)

    @property
    def pid(self) -> int:
        """Its process, as the host numbers it; 0 while there is none."""
        out = self.host.run("sh", "-c", "pgrep -of '[p]ynet serve' || true")
        return int(out.strip() or 0)

    def kill(self) -> None:
        """kill -9 the plugin; dockerd starts it again at once."""
        self.host.run("kill", "-KILL", str(self.pid))

    def set(self, *settings: str) -> None:
        """Change settings; the plugin must be disabled."""
        self.host.docker("plugin", "set", MANAGED_NAME, *settings)

    def disable(self) -> None:
        self.host.docker("plugin", "disable", "-f", MANAGED_NAME)

    def enable(self) -> None:
        self.host.docker("plugin", "enable", MANAGED_NAME)
        self.wait_ready()

    def restart(self) -> None:
        self.disable()
        self.enable()

    def tail(self, lines: int = 20) -> str:
        own = [OWN_LINE.search(line) for line in self.host.dockerd.lines()]
        return "\n".join([found[1] for found in own if found][-lines:])

    @property
    def _folder(self) -> Path:
        return self.host.data_root / "plugins" / self.identity

    def _packaging(self, verb: str, *options: str) -> str:
        script = str(REPOSITORY / "packaging/plugin.py")
        # The hosts have no way out, so the base is made here and never pulled.
        base = ("--base=pynet-base:local", f"--mirror={mirror()}")
        argv = [sys.executable, script, verb, *options, f"--work={CACHE / 'plugin'}", *base]
        # Its progress, on stderr, is for the user, who waits.
        done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise CommandError(argv, done.returncode, "see above")
        return done.stdout
