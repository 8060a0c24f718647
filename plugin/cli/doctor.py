"""The command that looks for the cause of what does not work."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from plugin.cli.errors import NOT_RUNNING
from plugin.cli.output import is_terminal, json_option, plain, show_fields, show_json, show_rows
from plugin.cli.this_host import this_host
from plugin.errors import NoPermissionError, PynetError, RefusedError, likely
from plugin.operator.doctor.base import Check, Finding
from plugin.operator.doctor.checks import Outcome, examine
from plugin.operator.doctor.compose import check_compose
from plugin.operator.doctor.host import Host, UnseenError

_COMPOSE: Final = (".yml", ".yaml")
_COLUMNS: Final = ("check", "kind", "about", "cause", "remedy")


@click.command()
@click.argument("which", metavar="[NETWORK|CONTAINER|COMPOSE-FILE]", required=False)
@click.option("--probe", is_flag=True, help="Send packets, too: ARP, and connections to ports.")
@click.option("--fix", is_flag=True, help="Fix what can be fixed safely, and say what was done.")
@json_option
def doctor(which: str | None, *, probe: bool, fix: bool, as_json: bool) -> None:
    """Look for causes of what does not work, each with what to do.  Changes nothing without --fix.

    Exit status 1 if something is wrong, 3 if no pynet runs.
    """
    if which is not None and (which.endswith(_COMPOSE) or Path(which).is_file()):
        outcomes = list(_of_file(Path(which)))
        _show(outcomes, [], as_json=as_json)
        raise SystemExit(_status(outcomes))
    host = this_host()
    if isinstance(host.unanswered, NoPermissionError):
        raise host.unanswered
    about = _about(host, which) if which else ()
    outcomes = list(examine(host, about=about, probe=probe))
    done = list(_fixed(host, outcomes)) if fix else []
    if any(worked for worked, _ in done):
        host = this_host()
        outcomes = list(examine(host, about=about, probe=probe))
    _show(outcomes, [text for _, text in done], as_json=as_json)
    raise SystemExit(NOT_RUNNING if host.unanswered is not None else _status(outcomes))


def _about(host: Host, which: str) -> tuple[str, ...]:
    """The names that findings about a network or a container have.  Raises RefusedError."""
    known: dict[str, tuple[str, ...]] = {}
    with suppress(UnseenError):
        for network in host.networks:
            inside = tuple(filter(None, (each.container for each in network.endpoints)))
            known[network.label] = (network.label, *inside)
            for each in network.endpoints:
                name = each.container or each.id[:12]
                known.setdefault(name, ())
                known[name] += (name, network.label)
    found = known.get(which) or next(
        (
            known[network.label]
            for network in (host.networks if known else ())
            if len(which) >= 12 and network.id.startswith(which)
        ),
        None,
    )
    if found is None:
        if host.unanswered is not None:
            raise host.unanswered
        meant = _nameless(host) or likely(which, list(known)) or "'pynet networks' lists both"
        raise RefusedError(
            f"there is no network of pynet, nor a container on one, {which!r}; {meant}"
        )
    return found


def _nameless(host: Host) -> str:
    """What to do where nobody tells names; empty if the engine does."""
    try:
        host.ask_engine("/networks")
    except UnseenError as error:
        return f"names are not known here ({error}); give an id that 'pynet networks' shows"
    return ""


def _of_file(path: Path) -> Iterator[Outcome]:
    check = Check(id="D41", title="compose file", find=lambda _: check_compose(path))
    yield Outcome(check=check, findings=tuple(check_compose(path)))


def _fixed(host: Host, outcomes: Iterable[Outcome]) -> Iterator[tuple[bool, str]]:
    """Make each fix; answers whether it worked, and a sentence."""
    for outcome in outcomes:
        for fix in {each.fix.what: each.fix for each in outcome.findings if each.fix}.values():
            try:
                fix.do(host)
            except (OSError, PynetError) as error:
                yield False, f"{outcome.check.id}: not fixed: {error}"
            else:
                yield True, f"{outcome.check.id}: {fix.what}"


def _status(outcomes: Iterable[Outcome]) -> int:
    return int(any(not each.hint for outcome in outcomes for each in outcome.findings))


def _show(outcomes: list[Outcome], done: list[str], *, as_json: bool) -> None:
    found = [(outcome.check, each) for outcome in outcomes for each in outcome.findings]
    unseen = [outcome for outcome in outcomes if outcome.unseen]
    if as_json:
        show_json(
            {
                "checks": len(outcomes),
                "findings": [_view(check, each) for check, each in found],
                "unseen": [{"check": each.check.id, "why": each.unseen} for each in unseen],
                "fixed": done,
            }
        )
        return
    if not is_terminal():
        if found:
            show_rows(_COLUMNS, (_row(check, each) for check, each in found))
    else:
        for check, each in found:
            _draw(check, each)
    for text in done:
        click.echo(plain(f"fixed {text}" if ": not fixed" not in text else text))
    wrong = sum(not each.hint for _, each in found)
    hints = len(found) - wrong
    counted = f"{wrong} wrong, {hints} hint{'' if hints == 1 else 's'}"
    checks = f"{len(outcomes)} check{'' if len(outcomes) == 1 else 's'}"
    said = f"{checks}: {counted if found else 'nothing found'}"
    click.echo(said, err=bool(found) and not is_terminal())
    for why, names in _grouped(unseen).items():
        click.echo(plain(f"not looked at: {', '.join(names)} ({why})"), err=True)


def _draw(check: Check, finding: Finding) -> None:
    sign = click.style("?", fg="yellow") if finding.hint else click.style("✗", fg="red")
    click.echo(f"{sign} {check.id} {check.title}")
    fixable = " (or: pynet doctor --fix)" if finding.fix else ""
    show_fields((("cause", finding.cause), ("remedy", finding.remedy + fixable)))


def _row(check: Check, finding: Finding) -> tuple[str, ...]:
    kind = "hint" if finding.hint else "wrong"
    return check.id, kind, ",".join(finding.about), finding.cause, finding.remedy


def _view(check: Check, finding: Finding) -> dict[str, Any]:
    return {
        "check": check.id,
        "title": check.title,
        "hint": finding.hint,
        "about": list(finding.about),
        "cause": finding.cause,
        "remedy": finding.remedy,
        "fixable": finding.fix is not None,
    }


def _grouped(unseen: Iterable[Outcome]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in unseen:
        found.setdefault(each.unseen, []).append(each.check.id)
    return found
