"""Commands that look whether all is well, put it right, and take garbage away.

They ask a running plugin, and without one work on its state and host themselves.
"""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import click

from plugin.cli import place
from plugin.cli.client import LONG_SECONDS, ask
from plugin.cli.engine import Known, absence, host, known
from plugin.cli.errors import NOT_RUNNING, NoAnswerError
from plugin.cli.names import known_names
from plugin.cli.output import json_option, show_json, show_rows
from plugin.errors import NoPermissionError, PynetError
from plugin.operator.base import PASSING, Maintenance, Row

_SECOND_LOOK_SECONDS: Final = 2.0  # a call that runs is over by then, or has noted what it makes
_SHORTEST: Final = 12  # of an id, as Docker lists them
_COLUMNS: Final = ("network", "name", "kind", "which", "fault")


class _Running:
    """Maintenance by a plugin that runs: behind the admin socket."""

    def check(self) -> list[Row]:
        rows: list[Row] = ask("/v1/check", seconds=LONG_SECONDS)
        return rows

    def repair(self) -> dict[str, list[Row]]:
        answer: dict[str, list[Row]] = ask("/v1/repair", "POST", seconds=LONG_SECONDS)
        return answer

    def garbage(self) -> dict[str, Any]:
        answer: dict[str, Any] = ask("/v1/garbage", seconds=LONG_SECONDS)
        return answer

    def collect(self, rows: Iterable[Row], forgotten: Iterable[str]) -> list[Row]:
        body = json.dumps({"rows": list(rows), "forgotten": list(forgotten)})
        taken: list[Row] = ask("/v1/garbage", "POST", body, seconds=LONG_SECONDS)
        return taken


@click.command()
@json_option
def check(*, as_json: bool) -> None:
    """Show what differs from what should be.  Exit status 1 if anything does, 3 if no pynet runs."""
    with _maintenance() as maintenance:
        rows = maintenance.check()
        if any(row["fault"] in PASSING for row in rows):
            time.sleep(_SECOND_LOOK_SECONDS)
            again = maintenance.check()
            rows = [row for row in again if row["fault"] not in PASSING or row in rows]
        runs = isinstance(maintenance, _Running)
    _show(rows, "nothing differs from what should be", as_json=as_json)
    if not runs:
        click.echo("no pynet runs: the state and the host were compared without one", err=True)
        raise SystemExit(NOT_RUNNING)
    if rows:
        raise SystemExit(1)


@click.command()
@json_option
def repair(*, as_json: bool) -> None:
    """Fix what differs.  Exit status 1 if something is left."""
    with _maintenance() as maintenance:
        answer = maintenance.repair()
    if as_json:
        show_json({key: _named_rows(rows) for key, rows in answer.items()})
    else:
        _show(answer["repaired"], "there was nothing to repair", as_json=False)
        if answer["left"]:
            click.echo("what is left:")
            _show(answer["left"], "", as_json=False)
    if answer["left"]:
        raise SystemExit(1)


@click.command()
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option(
    "--forgotten",
    "named",
    metavar="ID",
    multiple=True,
    help="A network or pool that Docker does not list, if no engine can tell. Repeatable.",
)
@json_option
def gc(*, dry_run: bool, named: tuple[str, ...], as_json: bool) -> None:
    """Remove what no network owns, and networks that Docker has forgotten."""
    with _maintenance() as maintenance:
        rows, forgotten = _garbage(maintenance, named)
        if rows or forgotten:
            time.sleep(_SECOND_LOOK_SECONDS)
            again, still = _garbage(maintenance, named)
            rows = [row for row in rows if row in again]
            forgotten = [each for each in forgotten if each in still]
        if dry_run:
            rows += [_forgotten_row(each) for each in forgotten]
        elif rows or forgotten:
            rows = maintenance.collect(rows, forgotten)
    _show(rows, "there is no garbage", as_json=as_json)


def _garbage(maintenance: Maintenance, named: Iterable[str]) -> tuple[list[Row], list[str]]:
    garbage = maintenance.garbage()
    engine = known()
    chosen = [_chosen(each, garbage, engine) for each in named]
    doubt = _doubt(garbage, engine)
    if engine is None or doubt:
        others = [each for each in _candidates(garbage) if each not in chosen]
        if others:
            click.echo(_kept(doubt, others), err=True)
        return garbage["rows"], chosen
    forgotten = [each for each in garbage["idle"] if each not in engine.networks]
    pools = [each["id"] for each in garbage["pools"] if not engine.uses(each["prefix"])]
    return garbage["rows"], list(dict.fromkeys(chosen + forgotten + pools))


def _candidates(garbage: dict[str, Any]) -> list[str]:
    return [*garbage["idle"], *(each["id"] for each in garbage["pools"])]


def _doubt(garbage: dict[str, Any], engine: Known | None) -> str:
    """Why the engine cannot tell what Docker has forgotten; empty if it can.

    The engine must show that it is the one that pynet serves, and not podman or a second Docker.
    """
    if engine is None:
        return absence()
    networks = garbage.get("networks", garbage["idle"])  # a plugin of the version before
    if engine.is_served(networks, garbage.get("prefixes", ())):
        return ""
    return f"the engine at {host()} lists no network that uses pynet, and may not be the one that pynet serves"


def _kept(doubt: str, others: Iterable[str]) -> str:
    names = ", ".join(each if "/" in each else each[:12] for each in others)
    return (
        f"{doubt}; kept what Docker may have forgotten: {names}. Remove those that `docker network "
        f"ls` does not list with --forgotten ID, which may be repeated"
    )


def _chosen(given: str, garbage: dict[str, Any], engine: Known | None) -> str:
    found = [each for each in _candidates(garbage) if each == given or _is_short(given, each)]
    if len(found) != 1:
        raise PynetError(
            f"--forgotten is {given!r}, expected the id of a network that pynet knows and no "
            f"container is on, or of a pool without a network; `pynet networks` lists them"
        )
    if engine is not None and found[0] in engine.networks:
        raise PynetError(
            f"--forgotten is {given!r}, and the engine at {host()} lists that network; remove it "
            f"with `docker network rm {found[0][:12]}`"
        )
    return found[0]


def _is_short(given: str, identity: str) -> bool:
    return "/" not in identity and len(given) >= _SHORTEST and identity.startswith(given)


def _forgotten_row(forgotten: str) -> Row:
    if "/" in forgotten:
        return {"network": "", "kind": "pool", "which": forgotten, "fault": "no longer in use"}
    name = forgotten[:12]
    return {"network": name, "kind": "network", "which": name, "fault": "no longer in use"}


@contextmanager
def _maintenance() -> Iterator[Maintenance]:
    try:
        ask("/health")
    except NoAnswerError as error:
        unanswered = error
    else:
        yield _Running()
        return
    from plugin.bootstrap.offline import stopped  # noqa: PLC0415 - slow, and seldom needed

    try:
        with stopped(place.config()) as maintenance:
            yield maintenance
    except NoPermissionError as error:
        raise NoPermissionError(f"{unanswered}; and without one: {error}") from error
    except PynetError as error:
        raise NoAnswerError(f"{unanswered}; and without one: {error}") from error


def _show(rows: list[Row], nothing: str, *, as_json: bool) -> None:
    rows = _named_rows(rows)
    if as_json:
        show_json(rows)
    elif not rows:
        click.echo(nothing)
    else:
        show_rows(_COLUMNS, ([str(row[column]) for column in _COLUMNS] for row in rows))


def _named_rows(rows: list[Row]) -> list[Row]:
    if not rows:
        return rows
    names = known_names()
    return [{**row, "name": names.network(row["network"])} for row in rows]
