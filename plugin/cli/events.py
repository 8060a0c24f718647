"""The command that follows what pynet does."""

import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import click

from plugin.cli.client import ask
from plugin.cli.errors import NoAnswerError
from plugin.cli.names import LatestNames
from plugin.cli.output import is_terminal, json_text, plain

_WAIT_SECONDS: Final = 1.0  # that pynet waits for an event
_PAUSE_SECONDS: Final = 1.0  # between two questions to a pynet that is away
_COLOURS: Final = {"warning": "yellow", "error": "red"}


@click.command()
@click.option("--last", type=click.IntRange(min=0), default=20, help="Begin with so many (20).")
@click.option("--once", is_flag=True, help="Show what happened, and do not wait for more.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one event a line.")
def events(*, last: int, once: bool, as_json: bool) -> None:
    """Follow what pynet does, repairs and refuses, until Ctrl-C.  It remembers the last thousand events."""
    speaker = Speaker(as_json=as_json)
    answer = ask("/v1/events")
    remembered = answer["events"]
    speaker.say(remembered[len(remembered) - last :] if last < len(remembered) else remembered)
    if once:
        return
    number = remembered[-1]["number"] if remembered else 0
    try:
        for found in _followed(answer["run"], number):
            speaker.say(found)
    except KeyboardInterrupt:
        return


def _followed(run: str, number: int) -> Iterator[list[dict[str, Any]]]:
    """Each group of new events.  A pynet that restarts is waited for."""
    away = False
    while True:
        try:
            answer = ask(f"/v1/events?after={number}&wait={_WAIT_SECONDS}")
        except NoAnswerError:
            if not away:
                click.echo("no pynet answers any more; waiting for it", err=True)
            away = True
            time.sleep(_PAUSE_SECONDS)
            continue
        away = False
        if answer["run"] != run:
            run, number = answer["run"], 0
            continue
        if answer["events"]:
            number = answer["events"][-1]["number"]
        yield answer["events"]


class Speaker:
    """Prints events, with the names of what they are about."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._names = LatestNames()

    def say(self, found: list[dict[str, Any]]) -> None:
        for each in found:
            named = self._named(each)
            click.echo(json_text(named) if self._as_json else _line(named))
        sys.stdout.flush()

    def _named(self, event: dict[str, Any]) -> dict[str, Any]:
        fields = event["fields"]
        network, container = self._names.of(fields.get("network", ""), fields.get("endpoint", ""))
        return {**event, "network_name": network, "container_name": container}


def _line(event: dict[str, Any]) -> str:
    fields = dict(event["fields"])
    for key, name in (("network", event["network_name"]), ("endpoint", event["container_name"])):
        if name:
            fields[key] = f"{fields[key]} ({name})"
    told = plain("  ".join(f"{name}={value}" for name, value in fields.items()))
    if not is_terminal():
        return "\t".join((event["at"], event["level"], event["event"], told))
    level = click.style(f"{event['level']:7}", fg=_COLOURS.get(event["level"]))
    return f"{event['at']}  {level}  {event['event']:20}  {told}"
