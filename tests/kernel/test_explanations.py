"""What ``pynet explain`` prints builds what pynet builds: it is run by a shell, on a host of its own.

The host is then compared with the plan as ``pynet check`` compares it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from plugin.bootstrap.assembly import Backends, Parts, assemble
from plugin.cluster.alone import Alone
from plugin.dhcp.loop import Loop
from plugin.dhcp.packet_socket import PacketSocket
from plugin.firewall import skeleton
from plugin.firewall.docker_user import DockerUser
from plugin.firewall.nftables import NftablesFirewall
from plugin.health import Health
from plugin.kernel.linux import LinuxKernel
from plugin.kernel.netlink.nf_transactions import NfTables
from plugin.kernel.wireguard.keys import Keys
from plugin.model.facts import Fact
from plugin.model.links import Dummy, Ipvlan, Shim, Vlan
from plugin.model.network import NetworkState
from plugin.model.plan import in_order
from plugin.model.ports import HostPort, ProxiedPort
from plugin.model.tunnels import WireGuard
from plugin.operator.explain.explanations import Explanations
from plugin.store.memory import MemoryStore
from tests.fakes.addresses import NobodyAsks
from tests.golden.case import HOSTS, PARENT_MAC, Case
from tests.golden.cases import CASES
from tests.kernel.netns import Netns
from tests.kernel.site import MARK, SECRET

AWAY = "/nowhere/netns/0123456789ab"  # where no engine has its sandboxes
KEY = re.compile(r"FILE-WITH-PRIVATE-KEY-OF-\S+|PUBLIC-KEY-OF-\S+")
# What a bridge and its ports are just doing: they see a carrier when they come to it.
UNSTEADY = re.compile("state|timer|tcn|topology|pending|designated|root_p")
# Each kind that this machine's kernel has, and each mode, in as few hosts as possible.
SHORT = {
    "bridge/dual-strict",
    "bridge/dual-bounded",
    "bridge/adopted",
    "macvlan/host-services",
    "null/plain",
    "overlay/plain",
}


def needs_machine(case: Case) -> bool:
    """Whether it takes links that this machine's kernel lacks."""
    lacking = (Dummy, Ipvlan, Vlan, WireGuard)
    return any(
        isinstance(each, lacking) or (isinstance(each, Shim) and each.ipvlan_mode is not None)
        for plan in case.plans().values()
        for each in plan.resources
    )


def marked(name: str, case: Case) -> ParameterSet:
    if needs_machine(case):
        return pytest.param(name, marks=pytest.mark.vm)
    return pytest.param(name, marks=() if name in SHORT else pytest.mark.nightly)


class ByHand:
    """A host, its records, and a person with a shell."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.host, self.lan, self.sandbox = Netns(), Netns(), Netns()
        self.store = MemoryStore()
        network = replace(case.network, state=NetworkState.ACTIVE)
        self.endpoint = replace(case.endpoint(), sandbox_key=AWAY)
        self.store.save_network(network)
        self.store.save_endpoint(self.endpoint)

    def lines(self, language: str = "en") -> list[str]:
        explanations = Explanations(
            store=self.store, bound=self.parts.bound, rules=skeleton.script(MARK)
        )
        parts = explanations.explain(self.case.network.id, language)
        assert all(step["why"] for part in parts for step in part["steps"])
        return [step["command"] for part in parts for step in part["steps"] if step["command"]]

    def type(self, directory: Path) -> None:
        """Run every line, and stop at the first that fails."""
        (directory / "rules").write_text(skeleton.script(MARK))
        script = "\n".join([f"pynet() {{ cat {directory}/rules; }}", "set -e", *self.lines()])
        self.host.run("sh", "-s", stdin=KEY.sub(partial(_key, directory), script) + "\n")

    def hand_over(self) -> None:
        """Docker moves the link into the sandbox."""
        for plan in self.case.plans().values():
            if plan.handoff is not None:
                self.host.ip(f"link set dev {plan.handoff} netns {self.sandbox.path}")

    def prepare(self) -> None:
        """What a user has before pynet comes."""
        if "parent" in self.case.options:
            self.host.ip(
                f"link add eth0 address {PARENT_MAC} type veth peer name up netns {self.lan.path}",
                *(f"address add {each} dev eth0 nodad" for each in HOSTS[1:]),
                f"address add {HOSTS[0]} dev eth0",
                "link set eth0 up",
            )
            for address in self.case.options.get("host_address", "").split(","):
                if address and self.case.mode == "macvlan":
                    self.host.ip(f"address replace {address} dev lo nodad")
        elif self.case.adopted:
            self.host.ip(f"link add br-lan address {PARENT_MAC} type bridge")

    def make(self) -> None:
        """Have a pynet with a secret make it."""
        unseen = (Fact, HostPort, ProxiedPort)
        kernel = LinuxKernel(keys=Keys(SECRET))
        for plan in self.case.plans().values():
            host = [each for each in in_order(plan.resources) if not isinstance(each, unseen)]
            kernel.ensure(host, lambda _: None)
        kernel.close()

    def start(self) -> Parts:
        self.kernel = LinuxKernel()
        self.firewall = NftablesFirewall(DockerUser(MARK), MARK, NfTables())
        self.parts = assemble(
            Backends(
                store=self.store,
                kernel=self.kernel,
                firewall=self.firewall,
                addresses=NobodyAsks(),
                cluster=Alone(),
                clients=partial(Loop, PacketSocket),
            ),
            Health(),
            running=False,
        )
        return self.parts

    def close(self) -> None:
        self.kernel.close()
        self.firewall.close()
        for netns in (self.host, self.lan, self.sandbox):
            netns.close()


def shown(host: Netns) -> dict[str, object]:
    """What iproute2 shows of pynet's links and routes, but for what the kernel chose."""
    routes = json.loads(host.run("ip", "-json", "route", "show", "protocol", "112"))
    routes += json.loads(host.run("ip", "-json", "-6", "route", "show", "protocol", "112"))
    neighbours = json.loads(host.run("ip", "-json", "neighbour", "show", "nud", "permanent"))
    queues = json.loads(host.run("tc", "-json", "qdisc", "show"))
    addresses = {
        each["ifname"]: sorted(
            str((one["local"], one["prefixlen"], one.get("nodad"), one["scope"]))
            for one in each["addr_info"]
            if not one["local"].startswith("fe80:")
        )
        for each in json.loads(host.run("ip", "-json", "address"))
    }
    return {
        "links": sorted(map(_link, json.loads(host.run("ip", "-details", "-json", "link")))),
        "addresses": addresses,
        "routes": sorted(str(sorted(each.items())) for each in routes),
        "neighbours": sorted(str(sorted(each.items())) for each in neighbours),
        "queues": sorted(
            str((each["dev"], each["kind"], _bounds(each["options"]))) for each in queues
        ),
    }


def _link(link: dict[str, Any]) -> str:
    # An ipvlan link has the address of its parent, which the kernel chose if that is pynet's own.
    chosen = not link["ifname"].startswith(("pnb-", "pnc-", "pnh-", "eth")) or (
        link.get("linkinfo", {}).get("info_kind") == "ipvlan" and link["link"].startswith("pnd-")
    )
    names = ("ifname", "mtu", "group", "ifalias", "master", "link", "address")
    seen = [link.get(name) for name in (names[:-1] if chosen else names)]
    info = link.get("linkinfo", {})
    data = [
        (kind, each)
        for kind in ("info_data", "info_slave_data")
        for each in info.get(kind, {}).items()
    ]
    kept = sorted(each for each in data if not UNSTEADY.search(each[1][0]))
    return str((*seen, "UP" in link["flags"], info.get("info_kind"), kept))


def _bounds(options: dict[str, int]) -> dict[str, int]:
    """The latency is rounded twice on its way to the kernel, to a microsecond."""
    return {name: round(value, -1) for name, value in options.items()}


def _key(directory: Path, place: re.Match[str]) -> str:
    """Any key does: without the secret pynet does not know which is right."""
    if place[0].startswith("PUBLIC"):
        return b64encode(sha256(place[0].encode()).digest()).decode()
    path = directory / "key"
    path.write_text("cGxlYXNlIGRvIG5vdCB1c2UgdGhpcyBrZXkgIG5vdyE=\n")
    return str(path)


@contextmanager
def a_host(case: Case) -> Iterator[ByHand]:
    """With what a user has before pynet comes."""
    made = ByHand(case)
    with made.host.entered():
        made.prepare()
        made.start()
        yield made
        made.close()


@pytest.mark.parametrize("name", [marked(name, case) for name, case in CASES.items()])
def test_what_is_printed_builds_the_plan(name: str, tmp_path: Path) -> None:
    """Nothing is missing, nothing differs, nothing is left over; iproute2 sees no difference."""
    with a_host(CASES[name]) as other:
        other.make()
        made = shown(other.host)
    with a_host(CASES[name]) as host:
        before = host.parts.inspection.differences()
        host.type(tmp_path)
        typed = shown(host.host)
        host.hand_over()

        assert bool(before) == (name != "null/plain")
        assert host.parts.inspection.differences() == []
        assert typed == made
