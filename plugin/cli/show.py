"""Commands that look at a running plugin."""

import json
from collections.abc import Callable
from typing import Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plugin.cli.client import ask

_COLOURS: Final = {"ok": "green", "starting": "yellow", "degraded": "red"}
_json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_json_option
def status(*, as_json: bool) -> None:
    """Show how the plugin is; exit status 1 unless it is ok."""
    health = ask("/health")
    _show(health, _health_text, as_json=as_json)
    if health["status"] != "ok":
        raise SystemExit(1)


@click.command()
@_json_option
def networks(*, as_json: bool) -> None:
    """Show networks and their endpoints."""
    _show(ask("/v1/networks"), _networks_table, as_json=as_json)


@click.command()
@_json_option
def ports(*, as_json: bool) -> None:
    """Show published ports, which `docker ps` cannot."""
    _show(ask("/v1/ports"), _ports_table, as_json=as_json)


@click.command()
@_json_option
def pools(*, as_json: bool) -> None:
    """Show pools, and how many of their addresses are in use."""
    _show(ask("/v1/pools"), _pools_table, as_json=as_json)


def _show(value: Any, render: Callable[[Any], Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(value, indent=2))
    else:
        Console(highlight=False).print(render(value))


def _health_text(health: dict[str, Any]) -> str:
    colour = _COLOURS.get(health["status"], "red")
    lines = [f"pynet {health['version']}: [{colour}]{health['status']}[/] since {health['since']}"]
    lines += [
        escape(f"  {each['what']}: {each['why']}\n    remedy: {each['remedy']}")
        for each in health["degraded"]
    ]
    lines += [escape(f"  hint: {each}") for each in health.get("hints", ())]
    return "\n".join(lines)


def _networks_table(rows: list[dict[str, Any]]) -> Table:
    table = _table("network", "mode", "subnets", "state", "endpoint", "addresses", "ports")
    for row in rows:
        head = (row["id"][:12], row["mode"], "\n".join(row["subnets"]), row["state"])
        table.add_row(*head, "", "", "")
        for endpoint in row["endpoints"]:
            addresses = "\n".join(endpoint["addresses"])
            table.add_row("", "", "", "", endpoint["id"][:12], addresses, str(endpoint["ports"]))
    return table


def _ports_table(rows: list[dict[str, Any]]) -> Table:
    table = _table("host", "container", "protocol", "network", "endpoint", "served")
    for row in rows:
        table.add_row(
            _place(row["host"], row["host_port"]),
            _place(row["container"], row["container_port"]),
            row["protocol"],
            row["network"][:12],
            row["endpoint"][:12],
            "yes" if row["served"] else "no",
        )
    return table


def _pools_table(rows: list[dict[str, Any]]) -> Table:
    table = _table("pool", "space", "tenant", "bound", "reserved", "resting")
    for row in rows:
        counts = (str(row["addresses"].get(s, 0)) for s in ("bound", "reserved", "resting"))
        table.add_row(row["prefix"], row["space"], row["tenant"], *counts)
    return table


def _place(address: str, port: int) -> str:
    return escape(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    return table
