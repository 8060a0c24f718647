"""Commands about the cluster that this host is in."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from plugin.cli.client import ask
from plugin.cli.groups import NearestGroup, wants_json
from plugin.cli.output import Cell, json_option, plain, show_json, show_rows

_PATH = "/v1/cluster"


@click.group(cls=NearestGroup, invoke_without_command=True)
@json_option
@click.pass_context
def cluster(context: click.Context, *, as_json: bool) -> None:
    """Show the hosts that share networks with this one, and those networks."""
    if context.invoked_subcommand is None:
        answer = ask(_PATH)
        if as_json:
            show_json(answer)
        else:
            show_rows(("host", "id", "running", "blocks"), _hosts(answer["hosts"]))
            click.echo()
            show_rows(("subnet", "cluster", "gateway", "hosts"), _networks(answer["networks"]))


@cluster.command()
@click.argument("host")
@json_option
@click.pass_context
def forget(context: click.Context, host: str, *, as_json: bool) -> None:
    """Give the addresses of HOST, which is gone for good, to the others.

    HOST is its name or id.  Its containers must not run any more: others get their addresses.
    """
    answer = ask(_PATH, "DELETE", host)
    if wants_json(context, as_json=as_json):
        show_json(answer)
        return
    name = plain(f"{answer['name']} ({answer['id'][:12]})")
    click.echo(f"{name} is forgotten; {answer['blocks']} blocks are free")


def _hosts(rows: list[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for row in rows:
        yield (
            f"{row['name']} (this one)" if row["own"] else row["name"],
            row["id"][:12],
            "yes" if row["running"] else "silent",
            sum(row["blocks"].values()),
        )


def _networks(rows: list[dict[str, Any]]) -> Iterator[Sequence[Cell]]:
    for row in rows:
        yield row["subnet"], row["cluster"], row["gateway"], row["hosts"]
