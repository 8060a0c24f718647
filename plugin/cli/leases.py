"""Commands about leases of the LAN's DHCP servers."""

from collections.abc import Sequence
from typing import Any, Final

import click

from plugin.cli.client import ask
from plugin.cli.groups import NearestGroup, wants_json
from plugin.cli.names import Names, known_names
from plugin.cli.output import Cell, json_option, show_json, show_rows

_PATH: Final = "/v1/leases"
_COLUMNS: Final = (
    *("network", "container", "address", "MAC address", "server", "state"),
    *("renewed in", "ends in", "DNS", "NTP", "domain"),
)
# Left out on a narrow terminal, the first one first.
_SPARE: Final = (("NTP", "domain"), ("DNS",), ("MAC address",), ("server",))
_SCALES: Final = ((86400, "d"), (3600, "h"), (60, "m"))


@click.group(cls=NearestGroup, invoke_without_command=True)
@json_option
@click.pass_context
def leases(context: click.Context, *, as_json: bool) -> None:
    """Show addresses that DHCP servers gave, and until when."""
    if context.invoked_subcommand is None:
        names = known_names()
        _show([_named(row, names) for row in ask(_PATH)], as_json=as_json)


@leases.command()
@click.argument("which")
@json_option
@click.pass_context
def renew(context: click.Context, which: str, *, as_json: bool) -> None:
    """Ask the server now whether a lease goes on.

    WHICH is an address, a MAC address, or the name of a container.
    """
    _act("POST", which, "asked for", as_json=wants_json(context, as_json=as_json))


@leases.command()
@click.argument("which")
@json_option
@click.pass_context
def forget(context: click.Context, which: str, *, as_json: bool) -> None:
    """Give a lease back whose container is gone."""
    _act("DELETE", which, "given back", as_json=wants_json(context, as_json=as_json))


def _act(method: str, which: str, done: str, *, as_json: bool) -> None:
    names = known_names()
    endpoints = {row["endpoint"] for row in ask(_PATH)} & set(names.ids(which))
    asked = sorted(endpoints) or [which]
    rows = [_named(row, names) for each in asked for row in ask(_PATH, method, each)]
    if as_json:
        show_json(rows)
        return
    for row in rows:
        click.echo(f"{row['address']} of {row['server']} is {done}")


def _show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(rows)
    else:
        show_rows(_COLUMNS, map(_lease, rows), spare=_SPARE)


def _named(row: dict[str, Any], names: Names) -> dict[str, Any]:
    return {
        **row,
        "network_name": names.network(row["network"]),
        "container_name": names.container(row["endpoint"]),
    }


def _lease(row: dict[str, Any]) -> Sequence[Cell]:
    return (
        row["network_name"] or row["network"][:12],
        row["container_name"] or row["name"] or row["endpoint"][:12],
        row["address"],
        row["mac_address"],
        row["server"],
        row["state"],
        _time(row["renews_in"]),
        _time(row["ends_in"]) or "never",
        row["dns"],
        row["ntp"],
        row["domain"],
    )


def _time(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds < 0:
        return "over"
    for scale, unit in _SCALES:
        if seconds >= 2 * scale:
            return f"{seconds // scale} {unit}"
    return f"{seconds} s"
