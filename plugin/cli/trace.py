"""The command that walks a packet through the host, and names the rule that drops it."""

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from plugin.cli import live_lines
from plugin.cli.client import ask
from plugin.cli.containers import Containers, labels
from plugin.cli.output import Cell, is_terminal, json_option, plain, show_json, show_rows, wrapped
from plugin.cli.traced import HOST, packet_of, real_packet, target_of
from plugin.errors import NoPermissionError, PynetError
from plugin.trace import live as live_trace
from plugin.trace.carriers import PublishedPorts
from plugin.trace.namespace import Namespace
from plugin.trace.packet import Course, Hop, Packet, Verdict
from plugin.trace.places import Node, Places
from plugin.trace.walk import Walk

_PORTS_SECONDS: Final = 5.0  # a trace goes on without them
_COLUMNS: Final = ("hop", "state", "where", "what", "rule", "remedy")
_WORD: Final = re.compile(r"[\w.-]+")
_ARRIVED: Final = (Verdict.REACHED, Verdict.LEAVES)
_SAID: Final = {
    Verdict.REACHED: "reached: it arrives, and its answer comes back",
    Verdict.LEAVES: "leaves: nothing on this host drops it",
    Verdict.REFUSED: "refused: the sender is told so",
    Verdict.DROPPED: "dropped: the sender hears nothing",
    Verdict.UNREACHABLE: "unreachable: there is no way",
    Verdict.UNKNOWN: "unknown: a rule that pynet cannot read decides",
}


@click.command()
@click.argument("source", metavar="SOURCE")
@click.argument("dest", metavar="DEST[:PORT[/PROTO]]")
@click.option("-6", "six", is_flag=True, help="By IPv6, if both have it.")
@click.option("--network", help="At the address that DEST has on this network.")
@click.option(
    "--live", is_flag=True, help="Show then what rules do with real packets of this kind."
)
@click.option(
    "--seconds",
    type=click.IntRange(1, live_trace.LONGEST),
    help=f"How long --live looks ({live_trace.USUAL}).",
)
@json_option
def trace(  # noqa: PLR0913 - the options of a command
    source: str,
    dest: str,
    network: str | None,
    seconds: int | None,
    *,
    six: bool,
    live: bool,
    as_json: bool,
) -> None:
    """Show the way of a packet, and the rule that drops it.

    SOURCE and DEST are a container's name or id, `host`, an address, or `internet`.  Without a port
    it is a ping.  Nothing is sent or changed; --live sets a mark for nftables' own trace and removes it.
    """
    if seconds is not None and not live:
        raise click.UsageError("--seconds is how long --live looks; add --live")
    seconds = seconds or live_trace.USUAL
    target = target_of(dest)
    _check_permission()
    places, containers = _places()
    packet, origin = packet_of(places, containers, target, source, network, six=six)
    walk = Walk(places)
    course = walk.from_outside(packet) if origin is None else walk.from_node(origin, packet)
    if as_json:
        seen = list(live_trace.watch(real_packet(walk.asked or packet), seconds)) if live else []
        show_json(
            {
                "packet": str(walk.asked or packet),
                **_view(course),
                **({"live": seen} if live else {}),
            }
        )
    else:
        _show(course, labels(containers))
        if live:
            _show_live(real_packet(walk.asked or packet), seconds)
    if course.verdict not in _ARRIVED:
        sys.exit(1)


def _check_permission() -> None:
    if os.geteuid():
        raise NoPermissionError("a trace looks into containers; run the command as root")


def _places() -> tuple[Places, Containers]:
    host = Node(name=HOST, namespace=Namespace())
    host.namespace.read_ahead()
    containers = Containers(host)
    return Places(host=host, containers=containers, carriers=PublishedPorts(_ports())), containers


def _ports() -> list[dict[str, Any]]:
    """What pynet publishes; a host can be traced while pynet does not answer."""
    try:
        found: list[dict[str, Any]] = ask("/v1/ports", seconds=_PORTS_SECONDS)
    except PynetError as error:
        click.echo(f"published ports that the proxy carries are not known: {error}", err=True)
        return []
    return found


def _view(course: Course) -> dict[str, Any]:
    return {
        "verdict": course.verdict.value,
        "hops": [asdict(each) for each in course.hops],
        "doubts": list(course.doubts),
    }


def _show(course: Course, named: Mapping[str, str]) -> None:
    if not is_terminal():
        show_rows(_COLUMNS, [_row(number, hop, named) for number, hop in _numbered(course)])
        click.echo(f"verdict\t{course.verdict.value}")
        for each in course.doubts:
            click.echo(f"doubt\t{plain(each)}")
        return
    for line in drawn(course, named):
        click.echo(line)


def drawn(course: Course, named: Mapping[str, str]) -> Iterator[str]:
    """A course for people: what is told is wrapped, and a rule is whole, to be looked for."""
    for number, hop in _numbered(course):
        head = f"{number:2} {'✓' if hop.ok else '✗'} "
        yield from wrapped(head, f"{plain(hop.where)}: {_labelled(hop, named)}")
        if hop.rule:
            yield f"       rule    {plain(hop.rule)}"
        if hop.remedy:
            yield from wrapped("       remedy  ", hop.remedy)
    for each in course.doubts:
        yield f" ? cannot be read: {plain(each)}"
    yield _SAID[course.verdict]


def _numbered(course: Course) -> Iterable[tuple[int, Hop]]:
    return enumerate(course.hops, 1)


def _row(number: int, hop: Hop, named: Mapping[str, str]) -> Sequence[Cell]:
    state = "ok" if hop.ok else "ended"
    told = (plain(hop.where), _labelled(hop, named), plain(hop.rule), hop.remedy)
    return number, state, *told


def _labelled(hop: Hop, named: Mapping[str, str]) -> str:
    """What is told of a hop, with the names of networks and containers beside links."""
    return _WORD.sub(
        lambda word: f"{word[0]} ({named[word[0]]})" if word[0] in named else word[0],
        plain(hop.what),
    )


def _show_live(packet: Packet, seconds: int) -> None:
    click.echo(f"-- real packets, for {seconds} seconds --")
    seen = False
    lines = live_trace.watch(packet, seconds)
    for line in live_lines.drawn(lines) if is_terminal() else map(plain, lines):
        seen = True
        click.echo(line)
    if not seen:
        click.echo(f"no such packet came: {packet.protocol} to {packet.destination}")
