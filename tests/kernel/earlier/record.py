"""Has a pynet of another version make networks on a host of the lab, and writes down what is there.

Of the version of a commit, in a work tree of it that has its own .venv:

    .venv/bin/python -m tests.kernel.earlier.record WORKTREE/.venv NAME

makes tests/kernel/earlier/NAME with the state (``pynet.sql``, ``ipam.sql``), the tables of nftables
(``ruleset.nft``) and the rest of the host (``host.json``), which `host.restore` makes again.
"""

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tests.kernel.earlier.host import HERE, PORT_SETTINGS, SANDBOX
from tests.lab.commands import run
from tests.lab.installed import PluginProcess
from tests.lab.lab import Lab
from tests.lab.namespace import enter, ip_json
from tests.lab.site import Site

# One network of each kind that this kernel has; two containers on each, the first with a port.
NETWORKS: Final = (
    ("--ipv6", "--subnet=10.1.0.0/24", "--subnet=fd00:1::/64"),
    ("--subnet=10.2.0.0/24", "-o", "icc=false", "-o", "host_services=53/udp,80"),
    ("--internal", "--subnet=10.4.0.0/24"),
    (
        *("--ipv6", "--subnet=10.6.0.0/24", "--subnet=fd00:6::/64"),
        *("-o", "gateway_mode_ipv4=routed", "-o", "gateway_mode_ipv6=routed"),
        *("-o", "isolation=strict"),
    ),
    (
        *("--subnet=10.99.0.0/24", "--gateway=10.99.0.254", "--ip-range=10.99.0.128/26"),
        *("-o", "mode=macvlan", "-o", "parent=eth0", "-o", "host_access=true"),
    ),
    ("--subnet=10.8.0.0/24", "-o", "mode=macvlan"),
    ("-o", "mode=null"),
)
# Each that any version sets on a link of its own.
_SETTINGS: Final = (
    *("ipv4/conf/pn*/arp_filter", "ipv4/conf/pn*/arp_notify", "ipv4/conf/pn*/route_localnet"),
    *("ipv6/conf/pn*/accept_dad", "ipv6/conf/pn*/accept_ra", "ipv6/conf/pn*/disable_ipv6"),
    "ipv6/conf/pn*/ndisc_notify",
)
_JSON: Final = re.compile(r"X'(7B[0-9A-F]+7D)'")  # braces around it


def main(arguments: list[str]) -> None:
    """Record a version: where its environment is, and the name of the record."""
    environment, name = arguments
    with Lab() as lab:
        host = lab.host("28")
        plugin = PluginProcess(host)
        with patch.object(sys, "prefix", environment):
            plugin.start()
        site = Site(host, plugin)
        sandboxes: dict[str, str] = {}
        for number, options in enumerate(NETWORKS):
            network = site.network(*options)
            for each in (["-p", f"{8080 + number}:80", "-p", f"{5300 + number}:53/udp"], []):
                published = each if number not in (2, 5, 6) else []
                container = site.run("--network", network, *published)
                key = site.inspect("container", container)["NetworkSettings"]["SandboxKey"]
                sandboxes[key] = SANDBOX.format(len(sandboxes))
        found = _host(site, list(sandboxes))
        plugin.end()
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        for database in ("pynet", "ipam"):
            text = _dumped(plugin.state / f"{database}.db")
            for key, place in sandboxes.items():
                text = text.replace(key, place)
            (folder / f"{database}.sql").write_text(text)
        (folder / "host.json").write_text(_in_lines(found))
        tables = (("inet", "pynet"), ("bridge", "pynet"))
        ruleset = "".join(
            run(enter(host.netns, "nft", "--stateless", "list", "table", *each)) for each in tables
        )
        (folder / "ruleset.nft").write_text(ruleset)


def _in_lines(found: dict[str, list[Any]]) -> str:
    """One line for each thing, so that a difference can be read."""
    parts = (
        f'"{name}": [\n' + ",\n".join(json.dumps(each) for each in things) + "\n]"
        for name, things in found.items()
    )
    return "{" + ",\n".join(parts) + "}\n"


def _host(site: Site, sandboxes: list[str]) -> dict[str, list[Any]]:
    netns = site.host.netns
    inside = [site.host.path(key.removeprefix("/var")) for key in sandboxes]
    names = " ".join(f"/proc/sys/net/{each}" for each in _SETTINGS)
    changed = run(enter(netns, "sh", "-c", f"grep -H . {names}")).splitlines()
    return {
        "links": _links(netns),
        "sandboxes": [_links(each) for each in inside],
        "routes": [each for each in ip_json(netns, "-4", "route", "show") if _is_made(each)],
        "neighbours": ip_json(netns, "neigh", "show", "nud", "permanent"),
        "settings": [line.removeprefix("/proc/sys/").split(":", 1) for line in changed],
    }


def _is_made(route: dict[str, Any]) -> bool:
    return str(route.get("dev", "")).startswith("pn") and route.get("protocol") != "kernel"


def _links(netns: Path) -> list[dict[str, Any]]:
    addresses = {link["ifname"]: link["addr_info"] for link in ip_json(netns, "address", "show")}
    kept = (
        *("ifname", "ifindex", "link_index", "link", "mtu"),
        *("address", "group", "ifalias", "master"),
    )
    return [
        {
            **{name: link[name] for name in kept if name in link},
            "kind": link["linkinfo"]["info_kind"],
            "port": {
                name: link["linkinfo"]["info_slave_data"][name]
                for name in PORT_SETTINGS
                if link["linkinfo"].get("info_slave_kind") == "bridge"
            },
            "addresses": [f"{a['local']}/{a['prefixlen']}" for a in addresses[link["ifname"]]],
        }
        for link in ip_json(netns, "-details", "link", "show")
        if link["ifname"].startswith(("pn", "eth", "docker")) and "linkinfo" in link
    ]


def _dumped(path: Path) -> str:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        lines = [*database.iterdump(), f"PRAGMA user_version = {version};"]
    return "".join(_JSON.sub(_as_text, line) + "\n" for line in lines)


def _as_text(found: re.Match[str]) -> str:
    text = bytes.fromhex(found[1]).decode().replace("'", "''")
    return f"CAST('{text}' AS BLOB)"


if __name__ == "__main__":
    main(sys.argv[1:])
