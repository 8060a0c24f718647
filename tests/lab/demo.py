"""`make demo`: pynet at work on a real engine, in four acts of commands.

Takes the Docker of this machine if one is running, else a private engine in a
host of the lab.  Whatever it makes it removes, and it checks that it did.
`DEMO=verbose` shows every object that was on the host meanwhile.
"""

import os
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.lab.clients import http_get
from tests.lab.commands import CommandError, DeadlineError, run, wait_until
from tests.lab.demo_made import made_table
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.machine import Machine, ThisMachine, docker_answers
from tests.lab.namespace import enter
from tests.lab.netns import free_port
from tests.lab.roots import ensure_image
from tests.lab.traces import Traces, take

ENGINE: Final = "28"
IMAGE: Final = "pynet-demo:busybox"
NETWORK, SERVER, CLIENT = "pynet-demo", "demo-web", "demo-client"
LAN, PRINTER, PARENT = "pynet-demo-lan", "demo-printer", "demo-lan"
PAGE: Final = "hello from a container on pynet"
WEB: Final = f"echo {PAGE} >/www/index.html; exec httpd -f -h /www"
# A LAN of the demo's own: no link of this machine is touched.
PARENT_ADDRESS: Final = "198.18.77.1/24"
ON_LAN: Final = ("-o", "mode=macvlan", "-o", f"parent={PARENT}", "-o", "host_access=true")
TABLE: Final = ("nft", "delete", "table", "inet", "pynet")
ACTS: Final = (
    "1. A network, two containers, a published port",
    "2. A container that is a machine of a LAN, and that the host reaches",
    "3. Another program deletes pynet's firewall rules",
    "4. A wrong option",
)
NEXT: Final = """\
Next:  make deb && apt install ./dist/pynet_*.deb    the service, on Debian 12 and later
       make plugin                                   or the managed plugin
       docs/labs/en                                  eight labs to type along, 한국어: docs/labs/ko
       DEMO=verbose make demo                        what all of this was made of"""


class Demo:
    """The acts, with their answers as they come."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.plugin = PluginProcess(machine, PYNET_LOG_LEVEL="info")
        self.acts: list[Table] = []

    def play(self) -> Traces:
        """Act, remove everything, and return what was there beyond before."""
        with ExitStack() as undo:
            self._prepare(undo)
            before = take(self._machine.netns)
            with ExitStack() as undo_acts:
                self._bridge(undo_acts)
                self._lan(undo_acts)
                made = Traces(lines=frozenset(take(self._machine.netns).beyond(before)))
                self._deleted()
                self._refused()
            self._check_gone(made)
        return made

    def _prepare(self, undo: ExitStack) -> None:
        undo.callback(self._remove, "rmi", IMAGE)
        with ensure_image().open("rb") as image:
            api = self._machine.client.api
            api.import_image_from_data(image.read(), repository=IMAGE, changes=['CMD ["sh"]'])
        if not self.plugin.answers_engine:
            undo.callback(self.plugin.uninstall)
            self.plugin.start()

    def _bridge(self, undo: ExitStack) -> None:
        self._begin()
        undo.callback(self._remove, "network", "rm", NETWORK)
        self._docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", NETWORK)
        self._port = free_port(self._machine.netns)
        undo.callback(self._remove, "rm", "-f", SERVER, CLIENT)
        web = ("-p", f"{self._port}:80", IMAGE, "sh", "-c", WEB)
        self._docker("run", "-d", "--name", SERVER, "--network", NETWORK, *web)
        self._docker("run", "-d", "--name", CLIENT, "--network", NETWORK, IMAGE, "sleep", "600")
        self._docker("exec", CLIENT, "ping", "-c", "1", "-W", "2", SERVER)
        self._ask(str(self._machine.address), self._port)

    def _lan(self, undo: ExitStack) -> None:
        self._begin()
        self._host("ip", "link", "add", PARENT, "type", "veth", "peer", "name", f"{PARENT}-end")
        undo.callback(self._host, "ip", "link", "delete", PARENT)
        self._host("ip", "address", "add", PARENT_ADDRESS, "dev", PARENT)
        for end in (PARENT, f"{PARENT}-end"):
            self._host("ip", "link", "set", end, "up")
        undo.callback(self._remove, "network", "rm", LAN)
        subnet = ("--subnet", "198.18.77.0/24", "--ip-range", "198.18.77.192/27")
        self._docker(
            *("network", "create", "-d", "pynet", "--ipam-driver", "pynet", *ON_LAN, *subnet, LAN)
        )
        undo.callback(self._remove, "rm", "-f", PRINTER)
        self._docker("run", "-d", "--name", PRINTER, "--network", LAN, IMAGE, "sh", "-c", WEB)
        of_lan = f'{{{{(index .NetworkSettings.Networks "{LAN}").IPAddress}}}}'
        self._ask(self._machine.docker("inspect", "-f", of_lan, PRINTER), 80)

    def _deleted(self) -> None:
        self._begin()
        self._timed(shlex.join(TABLE), lambda: self._host(*TABLE))
        self._ask(str(self._machine.address), self._port)
        if self.plugin.running:
            self._timed("pynet status | grep repaired", self._repaired)

    def _repaired(self) -> str:
        lines = self.plugin.command("status").splitlines()
        return next(line for line in lines if line.startswith("repaired")).replace("\t", " ")

    def _refused(self) -> None:
        self._begin()
        wrong = ("network", "create", "-d", "pynet", "-o", "ic=false", "pynet-demo-wrong")

        def refused() -> str:
            try:
                self._machine.docker(*wrong)
            except CommandError as error:
                return error.output.strip().rpartition("remote: ")[2]
            self._remove("network", "rm", wrong[-1])
            raise DeadlineError("a wrong option was not refused")

        self._timed(shlex.join(["docker", *wrong]), refused)

    def _begin(self) -> None:
        """Begin the next act."""
        act = Table("command", "answer", "ms", title=ACTS[len(self.acts)], title_justify="left")
        act.columns[2].justify = "right"
        self.acts.append(act)

    def _host(self, *argv: str) -> str:
        """Run a command of the host's network."""
        return run(enter(self._machine.netns, *argv))

    def _ask(self, address: str, port: int) -> None:
        """Ask a server from the host; it may still be starting."""

        def answer() -> str:
            try:
                return http_get(self._machine.netns, address, port)
            except OSError:
                return ""

        what = f"http://{address}:{port}/"
        said = self._timed(f"curl {what}", lambda: wait_until(answer, f"an answer from {what}"))
        if said != PAGE:
            raise DeadlineError(f"{what} answered {said!r}, not {PAGE!r}")

    def _docker(self, *arguments: str) -> None:
        what = shlex.join(["docker", *arguments]).replace(shlex.quote(WEB), "...")
        self._timed(what, lambda: self._machine.docker(*arguments))

    def _timed(self, what: str, act: Callable[[], str]) -> str:
        started = time.monotonic()
        said = act()
        self.acts[-1].add_row(what, _short(said), f"{(time.monotonic() - started) * 1000:.0f}")
        return said

    def _remove(self, *arguments: str) -> None:
        with suppress(CommandError):
            self._machine.docker(*arguments)

    def _check_gone(self, made: Traces) -> None:
        netns = self._machine.netns
        wait_until(
            lambda: not take(netns).lines & made.lines,
            "the removal of what pynet made",
        )


def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 120)
    with Lab() as lab:
        try:
            machine: Machine
            if docker_answers():
                machine, where = ThisMachine(lab.run), "the Docker of this machine"
            else:
                machine = lab.host(ENGINE)
                where = (
                    "a private engine in a network namespace; nothing of this machine is touched"
                )
            console.print(f"Docker Engine {machine.client.version()['Version']}: {where}\n")
            demo = Demo(machine)
            made = demo.play()
        except (CommandError, DeadlineError, OSError) as error:
            log = _keep_log(lab)
            console.print(f"demo failed: {error}\nlog: {log}", style="red", soft_wrap=True)
            return 1
        for act in demo.acts:
            console.print(act)
        if os.environ.get("DEMO") == "verbose":
            console.print(made_table(made))
        console.print("All of it is removed again.\n")
        console.print(NEXT, soft_wrap=True, highlight=False)
    return 0


def _short(said: str) -> str:
    """Return what matters of an answer: an id shortened, of ping its statistics."""
    if re.fullmatch(r"[0-9a-f]{64}", said):
        return said[:12]
    if found := re.search(r"time=[\d.]+ ms", said):
        return f"answered, {found[0]}"
    return said


def _keep_log(lab: Lab) -> Path:
    """Copy the logs out of the run's directory, which is removed."""
    with tempfile.NamedTemporaryFile("w", prefix="pynet-demo-", suffix=".log", delete=False) as log:
        for file in sorted(lab.run.directory.rglob("*.log")):
            if "docker/" not in str(file.relative_to(lab.run.directory)):
                log.write(f"==== {file.name}\n{file.read_text(errors='replace')}\n")
    return Path(log.name)


if __name__ == "__main__":
    sys.exit(main())
