"""Commands that reserve addresses for a container.

Reservations are read and printed as the same list: YAML, of which JSON is a part.
"""

import json
from typing import Any, BinaryIO, Final

import click

from plugin.cli.client import ask
from plugin.cli.output import json_option, say, show_json
from plugin.errors import RefusedError

_PATH: Final = "/v1/reservations"
_FIRST: Final = "reservations[0]: "
_OWNERS: Final = ("name", "mac", "tag")
_ANY_OWNER: Final = "nobody"  # an owner must be named, and unreserving ignores the name
_file_option: Final = click.option(
    "--file", "-f", "source", type=click.File("rb"), help="Read the list from a file, - for stdin."
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
    address: str | None, source: BinaryIO | None, *, as_json: bool, **owner: str | None
) -> None:
    """Keep ADDRESS for a container name, MAC address or tag.

    NAME=ADDRESS is short for ADDRESS --name NAME.
    """
    if address and "=" in address:
        if owner["name"]:
            raise click.UsageError(f"give the name once, as {address} or with --name")
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
    address: str | None, source: BinaryIO | None, tenant: str | None, *, as_json: bool
) -> None:
    """Keep ADDRESS no longer."""
    answer = _asked("DELETE", address, _list(address, source, {"tenant": tenant}, _ANY_OWNER))
    missing = answer.get("missing")  # a plugin of an earlier version does not name them
    if not answer["unreserved"] and missing != []:
        what = f"{address} is not" if address else "nothing in the list is"
        raise RefusedError(f"{what} reserved; `pynet reservations` lists what is")
    if as_json:
        show_json(answer)
        return
    click.echo(f"{answer['unreserved']} unreserved")
    if missing:
        were = "was" if len(missing) == 1 else "were"
        say(f"note: {', '.join(missing)} {were} not reserved", err=True)


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


def _list(
    address: str | None,
    source: BinaryIO | None,
    fields: dict[str, str | None],
    tag: str | None = None,
) -> str:
    """The list as pynet reads it: that of the file, or of the one ADDRESS."""
    if (address is None) == (source is None):
        raise click.UsageError("give one ADDRESS, or a list with --file")
    given = {name: value for name, value in fields.items() if value is not None}
    if source is None:
        marks = given if tag is None else {**given, "tag": tag}
        return json.dumps({"reservations": [{"address": address, **marks}]})
    if given:
        raise click.UsageError(f"--{next(iter(given))} is for one ADDRESS; say it in the list")
    try:
        return source.read().decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{source.name} is no text in UTF-8, at byte {error.start}") from error
