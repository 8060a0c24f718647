"""The command that shows what the firewall has dropped, and why."""

from collections.abc import Sequence
from typing import Any, Final

import click

from plugin.cli.client import ask
from plugin.cli.names import Names, known_names
from plugin.cli.output import Cell, json_option, show_json, show_rows

_GUARDED: Final = ("frames of late", "network", "container", "endpoint", "addresses")


@click.command()
@click.option(
    "--all", "every", is_flag=True, help="Show reasons for which nothing was dropped, too."
)
@json_option
def drops(*, every: bool, as_json: bool) -> None:
    """Show what was dropped, by reason, and what to do about it."""
    found = ask("/v1/drops")
    names = known_names()
    guarded = [_named(row, names) for row in found["guarded"]]
    if as_json:
        show_json({**found, "guarded": guarded})
        return
    reasons = [row for row in found["reasons"] if every or row["packets"]]
    if not reasons:
        click.echo("nothing was dropped since pynet's tables were made")
        return
    reasons.sort(key=lambda row: -row["packets"])
    columns = ("packets", "reason", "what", "remedy")
    show_rows(columns, ([row[column] for column in columns] for row in reasons))
    if guarded:
        click.echo()
        show_rows(_GUARDED, map(_guarded, guarded))


def _named(row: dict[str, Any], names: Names) -> dict[str, Any]:
    return {
        **row,
        "network_name": names.network(row["network"]),
        "container_name": names.container(row["endpoint"]),
    }


def _guarded(row: dict[str, Any]) -> Sequence[Cell]:
    network = row["network_name"] or row["network"][:12]
    head = (row["packets"], network, row["container_name"])
    return *head, row["endpoint"][:12], row["addresses"]
