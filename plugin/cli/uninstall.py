"""The command that removes from a host what pynet left there."""

from collections.abc import Collection
from typing import Final

import click

from plugin.bootstrap.offline import installation, require_root
from plugin.cli import place
from plugin.cli.engine import Known, host, known
from plugin.cli.output import json_option, show_json
from plugin.config import Config
from plugin.errors import PynetError, RefusedError, reasons
from plugin.operator.uninstall import Installation

_MANAGED: Final = "pynet/pynet"  # the managed plugin's name, before its tag


@click.command()
@click.option("--state", is_flag=True, help="Remove the state directory (PYNET_STATE) as well.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed, and remove nothing.")
@click.option(
    "--without-engine",
    is_flag=True,
    help="Docker is not on this host any more: ask no engine.",
)
@click.option(
    "--with-containers",
    is_flag=True,
    help="Remove links that containers have, too: they lose their network.",
)
@json_option
def uninstall(
    *, state: bool, dry_run: bool, without_engine: bool, with_containers: bool, as_json: bool
) -> None:
    """Remove the links, tables and rules of pynet.  It must be stopped, its networks removed."""
    config = place.config()
    require_root()
    if not without_engine:
        _refuse_used(known(), config)  # also while pynet runs, which is needed to remove them
    with installation(config, state=state) as installed:
        _refuse_kept(installed.networks, config)
        if not with_containers:
            _refuse_running(installed.containers, config)
        found = installed.found()
        if found and not dry_run:
            _remove(installed, found, as_json=as_json)
        elif as_json:
            show_json({"found": found, "removed": []})
        elif found:
            _show("would remove", found)
        else:
            click.echo("there is nothing of pynet on this host")


def _remove(installed: Installation, found: list[str], *, as_json: bool) -> None:
    def tell(removed: list[str]) -> None:
        if as_json:
            show_json({"found": found, "removed": removed})
        else:
            _show("removed", removed)

    try:
        installed.remove()
    except ExceptionGroup as failure:
        left = installed.found()
        tell([each for each in found if each not in left])
        raise PynetError(f"not everything was removed: {reasons(failure)}") from failure
    tell(found)


def _show(verb: str, found: list[str]) -> None:
    for each in found:
        click.echo(f"{verb} {each}")


def _refuse_used(engine: Known | None, config: Config) -> None:
    """Raise RefusedError unless an engine answers that it uses no network of pynet."""
    if engine is None:
        raise RefusedError(
            f"no engine answers at {host()} to say which networks it uses; start Docker, or use "
            f"--without-engine if it is not on this host any more"
        )
    names = {each.path.stem for each in config.plugin_sockets}
    used = sorted(
        name
        for name, drivers in engine.drivers.items()
        if any(driver in names or driver.partition(":")[0] == _MANAGED for driver in drivers)
    )
    if used:
        raise RefusedError(
            f"Docker uses networks of pynet: {', '.join(used)}; remove them with "
            f"`docker network rm` while pynet runs"
        )


def _refuse_running(containers: Collection[str], config: Config) -> None:
    """Raise RefusedError if containers have links: of another engine, or of a state that was lost."""
    if containers:
        raise RefusedError(
            f"containers have links of pynet that the state {config.state} does not list: "
            f"{', '.join(containers)}; stop them (another engine on this host may run them), or use "
            "--with-containers to remove the links all the same"
        )


def _refuse_kept(networks: Collection[str], config: Config) -> None:
    """Raise RefusedError if the state has networks, which may have more on the host than links."""
    if networks:
        ids = " ".join(f"--forgotten {each[:12]}" for each in sorted(networks))
        raise RefusedError(
            f"the state {config.state} has networks that no engine uses; remove them with "
            f"`pynet gc {ids}`"
        )
