"""The command that shows how a network or a container would be built by hand."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import click

from plugin.cli.client import ask
from plugin.cli.names import known_names
from plugin.cli.output import json_option, show_json
from plugin.errors import RefusedError

_ENGLISH: Final = "en"


@click.command()
@click.argument("which", metavar="NETWORK|CONTAINER", required=False)
@click.option("--lang", "language", help="en (the default) or ko.")
@click.option("--rules", is_flag=True, help="Print pynet's nftables tables without elements.")
@json_option
def explain(which: str | None, language: str | None, *, rules: bool, as_json: bool) -> None:
    """Show how to build a network or a container by hand.

    Each command has one line of why.
    Either is known by its name, or by the id that `pynet networks` shows.
    """
    if rules == (which is not None):
        raise click.UsageError("give either a network or a container, or --rules")
    if rules and language is not None:
        raise click.UsageError("--rules prints no sentences; leave out --lang")
    if rules:
        answer = ask("/v1/rules")
        if as_json:
            show_json(answer)
        else:
            click.echo(answer["nft"], nl=False)
        return
    parts = _parts(str(which), language or _ENGLISH)
    if as_json:
        show_json(parts)
    else:
        # Whole lines, however wide the terminal is: they are to be copied.
        click.echo("\n".join(line for part in parts for line in _lines(part)))


def _parts(which: str, language: str) -> list[dict[str, Any]]:
    """The parts of a network, or of each endpoint of a container."""
    names = known_names()
    found: list[dict[str, Any]] = []
    refusals = []
    for identity in names.ids(which) or [which]:
        try:
            found += ask("/v1/explain?" + urlencode({"id": identity, "lang": language}))
        except RefusedError as error:  # a container may be on networks of other drivers, too
            refusals.append(error)
    if not found:
        raise names.suggested(refusals[0], which)
    return [
        {
            **part,
            "name": names.network(part["network"]),
            "container": names.container(part["endpoint"] or ""),
        }
        for part in found
    ]


def _lines(part: Mapping[str, Any]) -> Iterator[str]:
    name = f" {part['name']}" if part["name"] else ""
    yield f"## network {part['network'][:12]}{name}: {_list(part['mode'], *part['subnets'])}"
    if part["endpoint"]:
        name = f" {part['container']}" if part["container"] else ""
        yield f"## endpoint {part['endpoint'][:12]}{name}: {_list(*part['addresses'])}"
    for step in part["steps"]:
        yield f"# {step['why']}"
        if step["command"]:
            yield step["command"]


def _list(*texts: str) -> str:
    return ", ".join(texts)
