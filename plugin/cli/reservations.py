"""Commands that reserve addresses for a container.

Reservations are read and printed as the same list: YAML, of which JSON is a part.
"""

import json
from typing import Any, Final, TextIO

import click

from plugin.cli.client import ask
from plugin.cli.output import json_option, say, show_json
from plugin.errors import RefusedError

_PATH: Final = "/v1/reservations"
_FIRST: Final = "reservations[0]: "
_OWNERS: Final = ("name", "mac", "tag")
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
@json_option
def reserve(
    address: str | None, source: TextIO | None, *, as_json: bool, **owner: str | None
) -> None:
    """Keep ADDRESS for a container name, MAC address or tag.

    NAME=ADDRESS is short for ADDRESS --name NAME.
    """
    if address and "=" in address and not owner["name"]:
        owner["name"], _, address = address.partition("=")
    if source is None and address and not any(owner[each] for each in _OWNERS):
        raise click.UsageError("say whom the address is for: --name, --mac or --tag")
    answer = _asked("POST", address, _list(address, source, owner))
    if as_json:
        show_json(answer)
        return
    click.echo(f"{answer['reserved']} reserved")
    if answer.get("note"):
        say(f"note: {answer['note']}", err=True)


@click.command()
@click.argument("address", required=False)
@_tenant_option
@_file_option
@json_option
def unreserve(
    address: str | None, source: TextIO | None, tenant: str | None, *, as_json: bool
) -> None:
    """Keep ADDRESS no longer."""
    wanted = _list(address, source, {"tenant": tenant, "tag": _ANY_OWNER})
    answer = _asked("DELETE", address, wanted)
    if as_json:
        show_json(answer)
    else:
        click.echo(f"{answer['unreserved']} unreserved")
    if not answer["unreserved"]:
        what = f"{address} is not" if address else "nothing in the list is"
        raise click.ClickException(f"{what} reserved; `pynet reservations` lists what is")


@click.command()
@json_option
def reservations(*, as_json: bool) -> None:
    """Print every reservation, as YAML."""
    text = ask(_PATH)["yaml"]
    if as_json:
        import yaml  # noqa: PLC0415 - slow, and needed here alone

        show_json(yaml.safe_load(text)["reservations"])
    else:
        click.echo(text, nl=False)


def _asked(method: str, address: str | None, wanted: str) -> dict[str, Any]:
    """What pynet answers; a refusal of the one ADDRESS does not say where it is in a list."""
    try:
        answer: dict[str, Any] = ask(_PATH, method, wanted)
    except RefusedError as error:
        if address is None:
            raise
        raise RefusedError(str(error).removeprefix(_FIRST)) from error
    return answer


def _list(address: str | None, source: TextIO | None, fields: dict[str, Any]) -> str:
    if (address is None) == (source is None):
        raise click.UsageError("give one ADDRESS, or a list with --file")
    if source is not None:
        return source.read()
    given = {name: value for name, value in fields.items() if value}
    return json.dumps({"reservations": [{"address": address, **given}]})
