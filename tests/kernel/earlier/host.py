"""A host as it was recorded, made again in network namespaces of this machine."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from tests.kernel.netns import Netns

HERE: Final = Path(__file__).parent
SANDBOX: Final = "@sandbox{}@"  # in the place of the path that an engine gave
PORT_SETTINGS: Final = ("hairpin", "isolated")
_PARENT: Final = "eth0"
_Link = dict[str, Any]


class EarlierHost:
    """The recorded host, and a machine at the other end of its eth0."""

    def __init__(self, name: str, state: Path) -> None:
        folder = HERE / name
        self._found = json.loads((folder / "host.json").read_text())
        self.netns, self.outside = Netns(), Netns()
        self.sandboxes = [Netns() for _ in self._found["sandboxes"]]
        self._make_links()
        self._make_rest()
        self.netns.run("nft", "-f", "-", stdin=(folder / "ruleset.nft").read_text())
        state.mkdir(mode=0o700)
        for database in ("pynet", "ipam"):
            text = (folder / f"{database}.sql").read_text()
            for number, sandbox in enumerate(self.sandboxes):
                text = text.replace(SANDBOX.format(number), sandbox.path)
            with closing(sqlite3.connect(state / f"{database}.db")) as made:
                made.executescript(text)

    def close(self) -> None:
        for each in (*self.sandboxes, self.outside, self.netns):
            each.close()

    def _make_links(self) -> None:
        links: dict[int, _Link] = {link["ifindex"]: link for link in self._found["links"]}
        inside = {
            link["ifindex"]: (link, sandbox)
            for found, sandbox in zip(self._found["sandboxes"], self.sandboxes, strict=True)
            for link in found
        }
        for index, link in links.items():
            name = link["ifname"]
            if name == _PARENT:
                self.netns.ip(
                    f"link add {name} index {index} address {link['address']} type veth "
                    f"peer name eth0 netns {self.outside.path}"
                )
                self.outside.ip("link set eth0 up")
            elif link["kind"] == "veth":
                peer, sandbox = inside.pop(link["link_index"])
                self.netns.ip(
                    f"link add {name} index {index} address {link['address']} type veth peer name "
                    f"eth0 index {peer['ifindex']} address {peer['address']} netns {sandbox.path}"
                )
            else:
                self.netns.ip(_added(link, name, link.get("link")))
        for index, (link, sandbox) in inside.items():
            self.netns.ip(
                _added(link, "moved", links[link["link_index"]]["ifname"]),
                *_marked(link, "moved"),
                f"link set moved netns {sandbox.path}",
            )
            sandbox.ip("link set moved name eth0")
            assert sandbox.index_of("eth0") == index
        for found, sandbox in zip(self._found["sandboxes"], self.sandboxes, strict=True):
            for link in found:
                sandbox.ip("link set eth0 up", *_addressed(link, "eth0"))

    def _make_rest(self) -> None:
        for link in self._found["links"]:
            name = link["ifname"]
            master = f"link set {name} master {link['master']}" if "master" in link else ""
            port = " ".join(f"{k} {'on' if v else 'off'}" for k, v in link["port"].items())
            self.netns.ip(
                *_marked(link, name),
                *filter(None, [master, port and f"link set {name} type bridge_slave {port}"]),
            )
        for name, value in self._found["settings"]:
            self.netns.sysctl(name, value)
        for link in self._found["links"]:
            self.netns.ip(f"link set {link['ifname']} up", *_addressed(link, link["ifname"]))
        for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            self.netns.sysctl(name, 1)
        self.netns.ip(
            *(
                f"route add {each['dst']} dev {each['dev']} proto {each['protocol']} "
                f"scope {each['scope']} src {each['prefsrc']}"
                for each in self._found["routes"]
            ),
            *(
                f"neigh add {each['dst']} lladdr {each['lladdr']} dev {each['dev']} nud permanent"
                for each in self._found["neighbours"]
            ),
        )


def _added(link: _Link, name: str, on: str | None) -> str:
    parent = f" link {on}" if on else ""
    kind = f"{link['kind']} mode bridge" if on else link["kind"]
    return (
        f"link add{parent} name {name} index {link['ifindex']} address {link['address']} "
        f"mtu {link['mtu']} type {kind}"
    )


def _marked(link: _Link, name: str) -> list[str]:
    alias = [f"link set {name} alias {link['ifalias']}"] if "ifalias" in link else []
    return [f"link set {name} group {link['group']}", *alias]


def _addressed(link: _Link, name: str) -> list[str]:
    return [
        f"address add {each} dev {name}{' nodad' if ':' in each else ''}"
        for each in link["addresses"]
        if not each.startswith("fe80:")
    ]
