"""A host for the doctor: a real namespace, with what pynet and an engine would answer about it."""

from pathlib import Path
from typing import Any, Final

from plugin import __version__
from plugin.errors import PynetError
from plugin.model.ids import NetworkID, bridge_name
from plugin.operator.doctor.base import Finding
from plugin.operator.doctor.checks import CHECKS, Outcome, examine
from plugin.operator.doctor.host import Host, Setup
from tests.kernel.netns import Netns

WEB: Final = "1f" * 32
LAN: Final = "2e" * 32
SITE: Final = "3d" * 32
BRIDGE: Final = bridge_name(NetworkID(WEB))
ADDRESS: Final = "10.1.0.2"
MAC: Final = "02:00:00:00:00:02"
UPLINK: Final = "up0"
GATEWAY: Final = "192.0.2.1"


def a_network(identity: str = WEB, subnet: str = "10.1.0.0/24", **changes: Any) -> dict[str, Any]:
    """A network with one container, as `/v1/networks` has it."""
    endpoint = {
        "id": SITE,
        "mac_address": MAC,
        "addresses": [f"{ADDRESS}/24"],
        "sandbox": "/var/run/docker/netns/1",
        "ports": 0,
    }
    return {
        "id": identity,
        "mode": "bridge",
        "state": "active",
        "internal": False,
        "options": {},
        "subnets": [subnet],
        "endpoints": [endpoint],
        **changes,
    }


def a_condition(what: str, why: str, remedy: str) -> dict[str, str]:
    return {"what": what, "why": why, "remedy": remedy, "since": "2026-01-01T00:00:00Z"}


class Doctored:
    """A healthy host with one network and one container, to be broken."""

    def __init__(self, netns: Netns, root: Path) -> None:
        self.netns = netns
        self.root = root
        self.settings: dict[str, str] = {}
        self.asked: list[str] = []
        self.plugin: dict[str, Any] = {
            "/health": {"status": "ok", "version": __version__, "degraded": [], "hints": []},
            "/v1/status": {"repaired": {"rules_last_hour": 1}},
            "/v1/networks": [a_network()],
            "/v1/ports": [],
            "/v1/pools": [],
            "/v1/drops": {"reasons": [], "guarded": []},
            "/v1/check": [],
        }
        self.sockets: tuple[str, ...] = ()
        attached = {"web": {"EndpointID": SITE}}
        self.engine: dict[str, Any] = {
            "/version": {"Version": "28.5.2"},
            "/info": {"DockerRootDir": "/var/lib/docker", "OperatingSystem": "Debian"},
            "/plugins": [],
            "/networks": [{"Id": WEB, "Name": "web", "Driver": "pynet"}],
            "/containers/json?all=1": [
                {
                    "Id": "4c" * 32,
                    "Names": ["/site"],
                    "State": "running",
                    "Labels": {},
                    "NetworkSettings": {"Networks": attached},
                }
            ],
        }
        self.write("/etc/resolv.conf", "nameserver 198.51.100.53\n")
        netns.ip(
            f"link add {UPLINK} type veth peer name wire",
            f"address add 192.0.2.2/24 dev {UPLINK}",
            f"link set {UPLINK} up",
            "link set wire up",
            f"link add {BRIDGE} address {MAC[:-1]}1 type bridge",
            f"address add 10.1.0.1/24 dev {BRIDGE}",
            f"link set {BRIDGE} up",
            f"route add default via {GATEWAY}",
        )
        netns.sysctl("net/ipv4/ip_forward", 1)

    def write(self, path: str, text: str) -> None:
        file = self.root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def degrade(self, what: str, why: str = "it is so", remedy: str = "do this") -> None:
        self.plugin["/health"]["degraded"].append(a_condition(what, why, remedy))

    def host(self) -> Host:
        return Host(
            plugin=self._ask,
            engine=self.engine.get,
            setup=Setup(
                root=self.root, state=self.root, settings=self.settings, sockets=self.sockets
            ),
        )

    def examine(self, *about: str, probe: bool = False, only: str = "") -> list[Outcome]:
        chosen = [each for each in CHECKS if only in ("", each.id)]
        with self.netns.entered():
            return list(examine(self.host(), about=about, probe=probe, checks=chosen))

    def finds(self, check: str, *about: str, probe: bool = False) -> list[Finding]:
        """What one check finds; the others have to be silent."""
        outcomes = self.examine(*about, probe=probe)
        assert [each.check.id for each in outcomes if each.findings] in ([check], [])
        return [found for outcome in outcomes for found in outcome.findings]

    def _ask(self, path: str, method: str) -> Any:
        self.asked.append(f"{method} {path}")
        if path not in self.plugin:
            raise PynetError(f"no pynet answers at /run/pynet/admin.sock ({path})")
        return self.plugin[path]


def the(findings: list[Finding]) -> Finding:
    (found,) = findings
    assert found.remedy
    return found


def on_the_lan(doctored: Doctored, subnet: str = "192.0.2.0/24", **options: str) -> None:
    """The network is macvlan on the uplink."""
    network = a_network(
        LAN, subnet, mode="macvlan", options={"parent": UPLINK, "host_access": "true", **options}
    )
    doctored.plugin["/v1/networks"] = [network]
    doctored.engine["/networks"] = [
        {
            "Id": LAN,
            "Name": "lan",
            "Driver": "pynet",
            "IPAM": {"Config": [{"Subnet": subnet, "Gateway": "192.0.2.1"}]},
        }
    ]


def a_port(host: str) -> dict[str, object]:
    return {
        "network": WEB,
        "endpoint": SITE,
        "protocol": "tcp",
        "host": host,
        "host_port": 8080,
        "container": ADDRESS,
        "container_port": 80,
        "served": True,
    }
