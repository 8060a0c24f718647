"""Commands that reserve addresses for a container.

Reservations are read and printed as the same list: YAML, of which JSON is a part.
"""

import json
from typing import Any, Final, TextIO

import click

from plugin.cli.client import ask

_PATH: Final = "/v1/reservations"
_ANY_OWNER: Final = "nobody"  # an owner must be named, and unreserving ignores the name
_file_option: Final = click.option(
    "--file", "-f", "source", type=click.File(), help="Read the list from a file, - for stdin."
)
_tenant_option: Final = click.option("--tenant", help="Tenant of the address.")


@click.command()
@click.argument("address", required=False)
@click.option("--name", help="Container name to keep it for.")
@click.option("--mac", help="MAC address to keep it for.")
@click.option("--tag", help="Anything else to keep it for.")
@_tenant_option
@_file_option
def reserve(address: str | None, source: TextIO | None, **owner: str | None) -> None:
    """Keep ADDRESS for a container name, MAC address or tag."""
    answer = ask(_PATH, "POST", _list(address, source, owner))
    click.echo(f"{answer['reserved']} reserved")
    if answer.get("note"):
        click.echo(f"note: {answer['note']}", err=True)


@click.command()
@click.argument("address", required=False)
@_tenant_option
@_file_option
def unreserve(address: str | None, source: TextIO | None, tenant: str | None) -> None:
    """Keep ADDRESS no longer."""
    wanted = _list(address, source, {"tenant": tenant, "tag": _ANY_OWNER})
    answer = ask(_PATH, "DELETE", wanted)
    click.echo(f"{answer['unreserved']} unreserved")
    if not answer["unreserved"]:
        what = f"{address} is not" if address else "nothing in the list is"
        raise click.ClickException(f"{what} reserved; `pynet reservations` lists what is")


@click.command()
def reservations() -> None:
    """Print every reservation, as YAML."""
    click.echo(ask(_PATH)["yaml"], nl=False)


def _list(address: str | None, source: TextIO | None, fields: dict[str, Any]) -> str:
    if (address is None) == (source is None):
        raise click.UsageError("give one ADDRESS, or a list with --file")
    if source is not None:
        return source.read()
    given = {name: value for name, value in fields.items() if value}
    return json.dumps({"reservations": [{"address": address, **given}]})
