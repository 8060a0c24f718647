"""The command that shows how the plugin and its host are."""

import time
from calendar import timegm
from collections.abc import Iterator
from typing import Any, Final

import click

from plugin.cli.client import ask
from plugin.cli.engine import listed
from plugin.cli.names import Names, known_names
from plugin.cli.output import json_option, show_fields, show_json

_PATH: Final = "/v1/status"
_COLOURS: Final = {"ok": "green", "starting": "yellow", "degraded": "red"}
_MOST_REASONS: Final = 4
_ENGINE_SECONDS: Final = 1.0
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


@click.command()
@click.option("--short", is_flag=True, help="Print one line, and what is degraded.")
@json_option
def status(*, short: bool, as_json: bool) -> None:
    """Show how the plugin and its host are.  Exit status 1 unless all is well."""
    found = ask(_PATH)
    if not short and _has_started(found):
        found["hints"] = [*found["hints"], *_unserved()]
    if as_json:
        show_json(found)
    else:
        colour = _COLOURS.get(found["status"], "red")
        state = click.style(found["status"], fg=colour)
        click.echo(f"pynet {found['version']}: {state} since {found['since']}")
        show_fields(_bad(found) if short else _fields(found))
    if found["status"] != "ok":
        raise SystemExit(1)


def _has_started(found: dict[str, Any]) -> bool:
    """Whether it answers more than how healthy it is."""
    return "process" in found


def _bad(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for each in found["degraded"]:
        yield "degraded", f"{each['what']}: {each['why']}"
        yield "remedy", each["remedy"]


def _fields(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if _has_started(found):
        yield from _counts(found)
    yield from _bad(found)
    names = known_names() if found["hints"] else Names()
    for hint in found["hints"]:
        yield "hint", names.told_in(hint)


def _unserved() -> Iterator[str]:
    """Services of a swarm whose virtual address no container has, on a manager: the engine knows them."""
    services = listed("/services", _ENGINE_SECONDS) or []
    if not any(each.get("Endpoint", {}).get("VirtualIPs") for each in services):
        return
    from plugin.operator.doctor.services import unserved  # noqa: PLC0415 - seldom needed

    served = {each["id"] for each in ask("/v1/networks")}
    served |= {each["network"] for each in ask("/v1/pools")}
    names = {each["Id"]: each["Name"] for each in listed("/networks", _ENGINE_SECONDS) or []}
    for each in unserved(services, served, names):
        yield f"{each.cause}; {each.remedy}"


def _counts(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    process, engine, pools = found["process"], found["engine"], found["pools"]
    memory, state = _bytes(process["memory_bytes"]), _bytes(process["state_bytes"])
    yield "process", f"pid {process['pid']}, {memory}, state {process['state']} ({state})"
    last = f"last call {_ago(engine['last_call'])}" if engine["last_call"] else "no call yet"
    yield "engine", f"{last}; {engine['calls']} calls since the start, {engine['failed']} failed"
    yield "firewall", found["firewall"]
    modes = ", ".join(f"{number} {mode}" for mode, number in found["networks"].items())
    networks = f"{sum(found['networks'].values())}" + (f" ({modes})" if modes else "")
    containers = _number(found["endpoints"], "container")
    ports = _number(found["ports"], "published port")
    yield "networks", f"{networks}, {containers}, {ports}"
    yield "addresses", "cannot be read now" if pools is None else ", ".join(_used(pools))
    yield "compared", _compared(found["compared"])
    repaired = found["repaired"]
    last = f", the last {_ago(repaired['last'])}" if repaired["last"] else ""
    yield "repaired", f"{_number(repaired['count'], 'difference')} since the start{last}"
    yield "dropped", _dropped(found["dropped"])


def _used(pools: dict[str, Any]) -> Iterator[str]:
    yield f"{_number(pools['count'], 'pool')}, {pools['used']} addresses in use"
    for each in pools["nearly_full"]:
        yield f"{each['prefix']} has {each['free']} of {each['size']} left"


def _compared(compared: dict[str, Any] | None) -> str:
    if compared is None:
        return "not yet"
    if compared["failure"]:
        return "not possible, see below"
    number = compared["differences"]
    found = f"{_number(number, 'difference')} (pynet check)" if number else "nothing differs"
    return f"{compared['age_seconds']:.0f} s ago, {found}"


def _dropped(dropped: dict[str, int]) -> str:
    if not dropped:
        return "nothing"
    most = sorted(dropped.items(), key=lambda each: -each[1])
    reasons = ", ".join(f"{packets} {reason}" for reason, packets in most[:_MOST_REASONS])
    return f"{_number(sum(dropped.values()), 'packet')}: {reasons} (pynet drops)"


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _ago(stamp: str) -> str:
    seconds = max(0, int(time.time() - timegm(time.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ"))))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def _bytes(number: int) -> str:
    return f"{number / 1e6:.1f} MB"
