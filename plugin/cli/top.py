"""The command that shows what containers send and receive."""

import select
import shutil
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from plugin.cli.byte_counts import Counted, Sample, sample
from plugin.cli.output import (
    Cell,
    fitting,
    is_terminal,
    json_option,
    plain,
    show_json,
    show_rows,
)
from plugin.cli.this_host import this_host
from plugin.operator.doctor.host import Host

_SORTS: Final = ("rate", "total", "drops", "name")
_COLUMNS: Final = (
    *("container", "network", "addresses", "ports"),
    *("received/s", "sent/s", "received", "sent", "dropped"),
)
# Left out on a narrow terminal, the first one first: amounts that are not sorted by, then the ports.
_RATES: Final = ("received/s", "sent/s")
_TOTALS: Final = ("received", "sent")
_NOTHING: Final = Counted(received=0, sent=0)
_AMOUNTS: Final = 4  # the first column of numbers
_UNITS: Final = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


@click.command()
@click.option("--every", type=click.FloatRange(0.2, 60), default=1.0, help="Seconds between (1).")
@click.option("--sort", type=click.Choice(_SORTS), default="rate", help="What comes first.")
@json_option
def top(*, every: float, sort: str, as_json: bool) -> None:
    """Show what containers send and receive, every second.

    The keys: q ends, s sorts by another column, r reverses.
    In a pipe and as JSON it counts once, over a second.
    """
    before = sample(_host())
    if as_json or not is_terminal():
        time.sleep(every)
        host = _host()
        rows = _sorted(_rows(host, before, sample(host)), sort)
        if as_json:
            show_json(rows)
        else:
            show_rows(_COLUMNS, (_raw(each) for each in rows))
        return
    _watch(before, every, sort)


def _watch(before: Sample, every: float, sort: str) -> None:
    from rich.live import Live  # noqa: PLC0415 - a tenth of a second, for people alone

    turned = False
    with _keys() as key, Live(screen=True, auto_refresh=False) as live:
        while True:
            pressed = key(every)
            if pressed in ("q", "\x03"):
                return
            if pressed == "s":
                sort = _SORTS[(_SORTS.index(sort) + 1) % len(_SORTS)]
            turned ^= pressed == "r"
            host = _host()
            now = sample(host)
            rows = _sorted(_rows(host, before, now), sort)
            before = now
            live.update(_drawn(rows[::-1] if turned else rows, sort), refresh=True)


def _host() -> Host:
    """A host anew each time: containers come and go.  Raises why pynet does not answer."""
    host = this_host()
    if host.unanswered is not None:
        raise host.unanswered
    return host


def _rows(host: Host, before: Sample, now: Sample) -> list[dict[str, Any]]:
    seconds = max(now.at - before.at, 0.001)
    dropped = {row["endpoint"]: row["packets"] for row in host.ask("/v1/drops")["guarded"]}
    ports: dict[str, set[tuple[str, int]]] = {}
    for port in host.ports:
        ports.setdefault(port.endpoint, set()).add((port.protocol, port.host_port))
    found = []
    for network in host.networks:
        for each in network.joined:
            count = now.endpoints.get(each.id, _NOTHING)
            last = before.endpoints.get(each.id, count)
            found.append(
                {
                    "container": each.container,
                    "endpoint": each.id,
                    "network": network.id,
                    "network_name": network.name,
                    "addresses": [str(address) for address in each.addresses],
                    "ports": sorted(f"{n}/{protocol}" for protocol, n in ports.get(each.id, ())),
                    "received": count.received,
                    "sent": count.sent,
                    "received_per_second": round(max(0, count.received - last.received) / seconds),
                    "sent_per_second": round(max(0, count.sent - last.sent) / seconds),
                    "dropped": dropped.get(each.id, 0),
                }
            )
    return found


def _sorted(rows: list[dict[str, Any]], sort: str) -> list[dict[str, Any]]:
    def key(row: dict[str, Any]) -> tuple[int, str, str]:
        amount = {
            "rate": row["received_per_second"] + row["sent_per_second"],
            "total": row["received"] + row["sent"],
            "drops": row["dropped"],
        }.get(sort, 0)
        return -amount, row["container"], row["endpoint"]

    return sorted(rows, key=key)


def _raw(row: dict[str, Any]) -> Sequence[Cell]:
    """Whole numbers of bytes, for programs."""
    rates = row["received_per_second"], row["sent_per_second"]
    return (*_head(row), *rates, row["received"], row["sent"], row["dropped"])


def _head(row: dict[str, Any]) -> tuple[Cell, ...]:
    container = row["container"] or row["endpoint"][:12]
    network = row["network_name"] or row["network"][:12]
    return container, network, row["addresses"], row["ports"]


def _drawn(rows: Sequence[dict[str, Any]], sort: str) -> Any:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    texts = [_texts(each) for each in rows]
    spare = (_RATES if sort == "total" else _TOTALS, ("ports",), ("addresses",))
    kept = fitting(_COLUMNS, texts, shutil.get_terminal_size().columns, spare)
    many = f"{len(rows)} container{'' if len(rows) == 1 else 's'}"
    caption = f"{many} by {sort}; s: sort, r: reverse, q: quit"
    table = Table(box=None, pad_edge=False, header_style="bold", caption=caption, expand=True)
    for number in kept:
        table.add_column(
            _COLUMNS[number],
            justify="left" if number < _AMOUNTS else "right",
            style="red" if _COLUMNS[number] == "dropped" else "",
        )
    for row in texts:
        table.add_row(*(Text(row[number]) for number in kept))
    return table


def _texts(row: dict[str, Any]) -> list[str]:
    """A row for people: several addresses or ports below each other."""
    head = [
        "\n".join(map(plain, each)) if not isinstance(each, str | int) else plain(str(each))
        for each in _head(row)
    ]
    amounts = ("received_per_second", "sent_per_second", "received", "sent")
    return [*head, *(_bytes(row[each]) for each in amounts), str(row["dropped"] or "")]


def _bytes(number: int) -> str:
    for size, unit in _UNITS:
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} B" if number else ""


@contextmanager
def _keys() -> Iterator[Any]:
    """A function that waits so many seconds for a key, and answers it, or nothing."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield _key
    except KeyboardInterrupt:
        return
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _key(seconds: float) -> str:
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return (sys.stdin.read(1) or "q") if ready else ""  # no terminal is left that shows it


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
