"""A Docker host that systemd starts: its units are those of Debian's packages, and of pynet's."""

from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.lab.commands import CommandError, wait_until
from tests.lab.debian import CACHE
from tests.lab.host import Host
from tests.lab.namespace import Fabric
from tests.lab.process import Process
from tests.lab.roots import WITH_SYSTEMD, ensure, ensure_image
from tests.lab.runs import CGROUPS, Run

_ENTER: Final = Path(__file__).with_name("enter_systemd.sh")
# The shell goes into the host's group of each hierarchy, and then becomes the host.
_JOIN: Final = 'for group in $GROUPS_OF_HOST; do echo $$ >"$group/cgroup.procs"; done; exec "$@"'
_NAMESPACES: Final = ("--net", "--mount", "--pid", "--uts", "--ipc", "--cgroup")


class SystemdHost(Host):
    """A machine of the lab that boots as a real one does, to install packages on."""

    def __init__(self, lab: Run, fabric: Fabric, number: int) -> None:
        super().__init__(lab, fabric, WITH_SYSTEMD, number)

    @property
    def plugin_folder(self) -> Path:
        return self.path("/run/docker/plugins")

    def boot(self, *options: str) -> None:
        """Start systemd, which starts Docker."""
        assert not options, "its engine has the options of its unit"
        self._start()
        wait_until(self._docker_answers, f"Docker on {self.name}")
        with ensure_image().open("rb") as image:
            self.client.api.import_image_from_data(
                image.read(), repository="busybox", tag="local", changes=['CMD ["sh"]']
            )

    def enter(self, *argv: str) -> list[str]:
        return ["nsenter", f"--target={self.leader}", *_NAMESPACES, "--", *argv]

    def _docker_answers(self) -> bool:
        with suppress(CommandError):
            return bool(self.docker("version", "--format", "{{.Server.Version}}"))
        return False

    def _start(self) -> None:
        root = ensure(self.engine)
        groups = self._control_groups()
        self._unshare = Process(
            [
                *("sh", "-c", _JOIN, "sh", "unshare", *_NAMESPACES, "--fork", "--kill-child"),
                *(str(_ENTER), str(self.directory), str(root), self.name, str(CACHE), *groups),
            ],
            log=self.directory / "console.log",
            lab=self.lab,
            settings={"GROUPS_OF_HOST": " ".join(map(str, groups.values()))},
        )
        self._leader = self._unshare.child()
        wait_until(lambda: self.path("/run/entered").exists(), f"host {self.name}")
        self._fabric.connect(self.name, self._leader, self._number)

    def _control_groups(self) -> dict[str, Path]:
        """Make the host's group in every hierarchy of this machine, or in the one that it has."""
        name = self.lab.cgroup(self.name).lstrip("/")
        if (CGROUPS / "cgroup.controllers").exists():
            tops = {".": CGROUPS}
        else:
            tops = {path.name: path for path in CGROUPS.iterdir() if (path / "tasks").exists()}
            tops |= {"unified": CGROUPS / "unified"} if (CGROUPS / "unified").exists() else {}
        groups = {}
        for hierarchy, top in tops.items():
            groups[hierarchy] = top / name
            groups[hierarchy].mkdir(exist_ok=True)
            for each in ("cpuset.cpus", "cpuset.mems"):
                if (top / each).exists() and (groups[hierarchy] / each).exists():
                    (groups[hierarchy] / each).write_text((top / each).read_text())
        return groups
