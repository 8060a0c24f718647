"""`make demo`: pynet at work on a real engine, told as a story of commands.

Takes the Docker of this machine if one is running, else a private engine in a
host of the lab.  Whatever it makes it removes, and it checks that it did.
"""

import json
import re
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.golden.words import CONTAINERS
from tests.lab.clients import http_get
from tests.lab.commands import CommandError, DeadlineError, wait_until
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.machine import Machine, ThisMachine, docker_answers
from tests.lab.netns import free_port
from tests.lab.roots import ensure_image
from tests.lab.traces import Traces, take

ENGINE: Final = "28"
IMAGE: Final = "pynet-demo:busybox"
NETWORK, SERVER, CLIENT = "pynet-demo", "demo-web", "demo-client"
PAGE: Final = "hello from a container on pynet"
WEB: Final = f"echo {PAGE} >/www/index.html; exec httpd -f -h /www"

KINDS: Final = (
    *("link", "address", "route", "neighbour", "nft"),
    *("iptables", "ip6tables", "setting", "queue"),
)
# By what an object's line has in it; a set that is not here is explained as on the firewall's page.
MEANINGS: Final = {
    "^link pnb-": "the network's bridge",
    "^link pnv-": "the host's end of a container's link",
    "set pn_bridges:": "this link is a bridge of pynet",
    "set pn_same:": "traffic inside the network passes",
    "set pn_subnets[46]:": "replies to published ports come back through the host",
    "set pn_masquerade[46]:": "containers go out with the host's address",
    "map pn_ports[46]:": "a port of the host, and the container and port it leads to",
    "set pn_guard_mac:": "a container sends from its own MAC address only",
    "set pn_guard[46]:": "a container sends from its own IP addresses only",
    "set pn_guard_(target|lladdr)6:": "a container announces its own addresses only",
    "set pn_guarded:": "what this container sends is checked",
    "set pn_refusals:": "a guard has dropped frames of this container",
    "set pn_vxlan:": "the network's port and number between hosts",
    "set pn_encrypted:": "the network is sent and heard encrypted only",
    "set pn_peers[46]:": "this host may send for the network",
    "set pn_tunnels:": "this bridge port leads to other hosts",
    "set pn_carried:": "[::1] reaches the published port, by the proxy",
    "^address ": "the containers' gateway",
    "^route ": "the way to the containers",
    "/route_localnet:": "127.0.0.1 reaches published ports",
    "/disable_ipv6:": "the network has no IPv6",
    "^ip6?tables ": "Docker's chains let through what pynet's tables passed",
}


class Demo:
    """The story, with its answers as they come."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.plugin = PluginProcess(machine, PYNET_LOG_LEVEL="info")
        self.steps = Table(
            *("command", "answer", "ms"), title="What was done", title_justify="left"
        )
        self.steps.columns[2].justify = "right"

    def play(self) -> Traces:
        """Act the story, remove everything, and return what was there beyond before."""
        with ExitStack() as undo:
            self._prepare(undo)
            before = take(self._machine.netns)
            with ExitStack() as undo_act:
                self._act(undo_act)
                made = Traces(lines=frozenset(take(self._machine.netns).beyond(before)))
            self._check_gone(made)
        return made

    def _prepare(self, undo: ExitStack) -> None:
        undo.callback(self._remove, "rmi", IMAGE)
        with ensure_image().open("rb") as image:
            api = self._machine.client.api
            api.import_image_from_data(image.read(), repository=IMAGE, changes=['CMD ["sh"]'])
        if self.plugin.answers_engine:
            self.steps.add_row("pynet serve", "was running already", "")
            return
        undo.callback(self.plugin.uninstall)
        self._timed("pynet serve &", self._serve)

    def _serve(self) -> str:
        self.plugin.start()
        return str(self.plugin.ask("/health")["status"])

    def _act(self, undo: ExitStack) -> None:
        undo.callback(self._remove, "network", "rm", NETWORK)
        self._docker("network", "create", "-d", "pynet", "--ipam-driver", "pynet", NETWORK)
        port = free_port(self._machine.netns)
        undo.callback(self._remove, "rm", "-f", SERVER, CLIENT)
        for name, options, command in (
            (SERVER, ("-p", f"{port}:80"), ("sh", "-c", WEB)),
            (CLIENT, (), ("sleep", "600")),
        ):
            self._docker(
                "run", "-d", "--name", name, "--network", NETWORK, *options, IMAGE, *command
            )
        for one, other in ((CLIENT, SERVER), (SERVER, CLIENT)):
            self._docker("exec", one, "ping", "-c", "1", "-W", "2", other)
        for address in ("127.0.0.1", str(self._machine.address)):
            self._ask(address, port)

    def _ask(self, address: str, port: int) -> None:
        """Ask the published port from the host; the server may still be starting."""

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
        self.steps.add_row(what, _short(said), f"{(time.monotonic() - started) * 1000:.0f}")
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


def made_table(made: Traces) -> Table:
    """Show what was on the host while the containers ran."""
    table = Table(title="What pynet made on the host", title_justify="left")
    for heading in ("kind", "object", "what for"):
        table.add_column(heading)
    for line in sorted(made.lines, key=lambda line: (KINDS.index(line.split()[0]), line)):
        kind, _, rest = line.partition(" ")
        table.add_row("nft element" if kind == "nft" else kind, _plain(rest), meaning(line))
    return table


def meaning(line: str) -> str:
    """What an object of the host is for."""
    for pattern, text in MEANINGS.items():
        if re.search(pattern, line):
            return text
    if name := re.search(r"^nft (?:set|map) (pn_\w+?)[46]?:", line):
        return CONTAINERS[name[1]][0].replace("`", "")
    return ""


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
        console.print(demo.steps)
        console.print(made_table(made))
        console.print("All of it is removed again: two containers, the network, what it had here.")
    return 0


def _short(said: str) -> str:
    """Return what matters of an answer: an id shortened, of ping its statistics."""
    if re.fullmatch(r"[0-9a-f]{64}", said):
        return said[:12]
    if found := re.search(r"time=[\d.]+ ms", said):
        return f"answered, {found[0]}"
    return said


def _plain(text: str) -> str:
    """Return an element without its JSON; everything else as it is."""
    name, colon, data = text.partition(": ")
    return f"{name}: {_words(json.loads(data))}" if colon else text


def _words(value: Any) -> str:
    """Return the words of nft's JSON: `10.0.0.0/24`, `tcp . 80 -> 10.0.0.2 . 80`."""
    match value:
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"concat": parts}:
            return " . ".join(map(_words, parts))
        case {"elem": {"val": inner}}:
            return _words(inner)
        case [key, data]:
            return f"{_words(key)} -> {_words(data)}"
        case _:
            return str(value)


def _keep_log(lab: Lab) -> Path:
    """Copy the logs out of the run's directory, which is removed."""
    with tempfile.NamedTemporaryFile("w", prefix="pynet-demo-", suffix=".log", delete=False) as log:
        for file in sorted(lab.run.directory.rglob("*.log")):
            if "docker/" not in str(file.relative_to(lab.run.directory)):
                log.write(f"==== {file.name}\n{file.read_text(errors='replace')}\n")
    return Path(log.name)


if __name__ == "__main__":
    sys.exit(main())
