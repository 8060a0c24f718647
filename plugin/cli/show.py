"""Commands that show what a running plugin has."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import click

from plugin.cli.client import ask
from plugin.cli.names import Names, known_names
from plugin.cli.output import Cell, is_terminal, json_option, show_json, show_rows

_STATES: Final = ("bound", "reserved", "resting")


@click.command()
@json_option
def networks(*, as_json: bool) -> None:
    """Show networks and the containers on them."""
    names = known_names()
    rows = [_named_network(row, names) for row in ask("/v1/networks")]
    if as_json:
        show_json(rows)
    elif is_terminal():
        show_rows(("network", "id", "mode", "addresses", "state", "ports"), _drawn_networks(rows))
    else:
        columns = ("network", "name", "mode", "state", "subnets")
        show_rows((*columns, "endpoint", "container", "addresses", "ports"), _networks(rows))


@click.command()
@json_option
def ports(*, as_json: bool) -> None:
    """Show published ports, which `docker ps` cannot."""
    names = known_names()
    rows = [_named_port(row, names) for row in ask("/v1/ports")]
    if as_json:
        show_json(rows)
        return
    columns = ("host", "container", "protocol", "network", "name", "endpoint", "served")
    if is_terminal():  # six columns are what 80 characters hold, and names are better than ids
        shown = [n for n, column in enumerate(columns) if column != "endpoint"]
        drawn = ([row[n] for n in shown] for row in map(_port, rows))
        show_rows([columns[n] for n in shown], drawn)
    else:
        show_rows(columns, map(_port, rows))


@click.command()
@json_option
def pools(*, as_json: bool) -> None:
    """Show pools, and how many of their addresses are in use."""
    names = known_names()
    rows = [
        {**row, "network_name": names.network(row.get("network") or "")} for row in ask("/v1/pools")
    ]
    if as_json:
        show_json(rows)
        return
    columns = ("pool", "network", "space", "tenant", *_STATES, "free", "size")
    show_rows(columns, map(_pool, rows))


def _named_network(row: dict[str, Any], names: Names) -> dict[str, Any]:
    endpoints = [{**each, "container": names.container(each["id"])} for each in row["endpoints"]]
    return {**row, "name": names.network(row["id"]), "endpoints": endpoints}


def _named_port(row: dict[str, Any], names: Names) -> dict[str, Any]:
    return {
        **row,
        "network_name": names.network(row["network"]),
        "container_name": names.container(row["endpoint"]),
    }


def _drawn_networks(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    """A line for the network, and one below for each of its containers."""
    for row in rows:
        state = f"{row['state']}, internal" if row["internal"] else row["state"]
        yield row["name"], row["id"][:12], row["mode"], row["subnets"], state, ""
        for each in row["endpoints"]:
            yield (
                f"  {each['container']}",
                each["id"][:12],
                "",
                each["addresses"],
                "" if each["sandbox"] else "not joined",
                str(each["ports"] or ""),
            )


def _networks(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    """A line for each container, or for a network without one."""
    for row in rows:
        head = (row["id"][:12], row["name"], row["mode"], row["state"], row["subnets"])
        for each in row["endpoints"]:
            yield *head, each["id"][:12], each["container"], each["addresses"], each["ports"]
        if not row["endpoints"]:
            yield *head, "", "", "", ""


def _port(row: dict[str, Any]) -> Sequence[Cell]:
    return (
        _place(row["host"], row["host_port"]),
        _place(row["container"], row["container_port"]),
        row["protocol"],
        row["network_name"] or row["network"][:12],
        row["container_name"],
        row["endpoint"][:12],
        "yes" if row["served"] else "no",
    )


def _pool(row: dict[str, Any]) -> Sequence[Cell]:
    left = ("" if row[each] is None else row[each] for each in ("free", "size"))
    network = row["network_name"] or (row["network"] or "")[:12]
    used = (row["addresses"].get(state, 0) for state in _STATES)
    return row["prefix"], network, row["space"], row["tenant"], *used, *left


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
