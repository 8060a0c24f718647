"""A Docker host: namespaces, a root file system of its own, and dockerd."""

import os
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Final

import docker

from tests.lab.commands import CommandError, run, wait_until
from tests.lab.debian import CACHE
from tests.lab.dockerd import Dockerd, connect
from tests.lab.namespace import Fabric, address4, address6
from tests.lab.process import Process
from tests.lab.roots import Engine, ensure, ensure_image
from tests.lab.runs import Run

ENTER: Final = Path(__file__).with_name("enter.sh")
IMAGE: Final = "busybox:local"


class Host:
    """A machine of the lab with Docker on it."""

    def __init__(self, lab: Run, fabric: Fabric, engine: Engine, number: int) -> None:
        self.name = f"h{number}"
        self.engine = engine
        self.directory = lab.directory / self.name
        self.address: IPv4Address = address4(number).ip
        self.address6: IPv6Address = address6(number).ip
        self.lab = lab
        self._fabric = fabric
        self._number = number
        self._unshare: Process | None = None
        self._leader = 0
        self._client: docker.DockerClient | None = None
        for layer in ("upper", "work", "root", "docker", "plugins"):
            (self.directory / layer).mkdir(parents=True)
        self.dockerd = Dockerd(lab, self.name)

    @property
    def leader(self) -> int:
        """The host's PID 1, as this machine numbers it."""
        return self._leader

    @property
    def data_root(self) -> Path:
        """Docker's data root, which is a folder of this machine."""
        return self.directory / "docker"

    @property
    def plugin_folder(self) -> Path:
        """Where the engine looks for plugins, which is a folder of this machine too."""
        return self.directory / "plugins"

    @property
    def netns(self) -> Path:
        return Path(f"/proc/{self._leader}/ns/net")

    @property
    def client(self) -> docker.DockerClient:
        if self._client is None:
            self._client = connect(self._leader)
        return self._client

    def boot(self, *options: str) -> None:
        """Start the host and dockerd with these further options."""
        self.dockerd.options = list(options)
        self._start()
        self.dockerd.start(self._leader)
        with ensure_image().open("rb") as image:
            self.client.api.import_image_from_data(
                image.read(),
                repository="busybox",
                tag="local",
                changes=['CMD ["sh"]'],
            )

    def reboot(
        self, *, engine: Engine | None = None, before_docker: Callable[[], None] | None = None
    ) -> None:
        """Pull the plug and start again: disks stay, everything else is new.

        With another engine it is a new version of Docker that starts on the old one's data.
        """
        self.halt()
        for socket in self.plugin_folder.glob("*.sock"):
            socket.unlink()  # on a real machine this folder is not on a disk
        if engine is not None:
            self.engine = engine
            self._replace_system()
        self._start()
        if before_docker is not None:
            before_docker()
        self.dockerd.start(self._leader)

    def restart_docker(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End dockerd by a signal and start it again."""
        self.dockerd.end(number)
        self.dockerd.start(self._leader)

    def halt(self) -> None:
        """Kill the host with everything that runs on it."""
        if self._client is not None:
            self._client.close()
            self._client = None
        if self._unshare is not None:
            self._end_tunnels()
            with suppress(CommandError):  # it may not have come as far as that
                self._fabric.disconnect(self.name)
            self._unshare.end(signal.SIGKILL)
            self._unshare = None

    def path(self, inner: str) -> Path:
        """Return where this machine sees a path of the host."""
        return Path(f"/proc/{self._leader}/root{inner}")

    def enter(self, *argv: str) -> list[str]:
        """Return the command line that runs one of the host's programs on it."""
        return [
            *("nsenter", f"--target={self._leader}"),
            *("--mount", "--net", "--pid", "--uts", "--ipc", "--", *argv),
        ]

    def run(self, *argv: str, timeout: float = 120) -> str:
        return run(self.enter(*argv), timeout=timeout, env=self.lab.env)

    def docker(self, *arguments: str, timeout: float = 120) -> str:
        """Run the host's own docker command; return what it printed."""
        return self.run("docker", *arguments, timeout=timeout).strip()

    def _end_tunnels(self) -> None:
        """End what a plugin left for its networks: no process of the host, but in its network."""
        own = self.netns.readlink()
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended, or is being replaced
                if (each / "comm").read_text() == "wireguard-go\n" and (
                    (each / "ns/net").readlink() == own
                ):
                    os.kill(int(each.name), signal.SIGKILL)

    def _replace_system(self) -> None:
        """Forget what lay over the old root file system; the data root is not in it."""
        for layer in ("upper", "work"):
            shutil.rmtree(self.directory / layer)
            (self.directory / layer).mkdir()

    def _start(self) -> None:
        root = ensure(self.engine)
        self._unshare = Process(
            [
                *("unshare", "--net", "--mount", "--pid", "--uts", "--ipc"),
                *("--fork", "--kill-child", str(ENTER), str(self.directory)),
                *(str(root), self.name, str(CACHE)),
            ],
            log=self.directory / "console.log",
            lab=self.lab,
        )
        self._leader = self._unshare.child()
        wait_until(lambda: self.path("/run/entered").exists(), f"host {self.name}")
        run(["nsenter", f"--net={self.netns}", "--", "ip", "link", "set", "lo", "up"])
        self._fabric.connect(self.name, self._leader, self._number)
