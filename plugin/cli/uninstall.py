"""The command that removes from a host what pynet left there."""

import os
from collections.abc import Collection
from typing import Final

import click

from plugin.bootstrap.offline import installation
from plugin.cli.engine import Known, host, known
from plugin.config import Config, read_config
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
def uninstall(*, state: bool, dry_run: bool, without_engine: bool, with_containers: bool) -> None:
    """Remove the links, tables and rules of pynet; it must be stopped, and its networks removed."""
    config = read_config(os.environ)
    with installation(config, state=state) as installed:
        if not without_engine:
            _refuse_used(known(), config)
        _refuse_kept(installed.networks, config)
        if not with_containers:
            _refuse_running(installed.containers, config)
        found = installed.found()
        if not found:
            click.echo("there is nothing of pynet on this host")
        elif dry_run:
            _show("would remove", found)
        else:
            _remove(installed, found)


def _remove(installed: Installation, found: list[str]) -> None:
    try:
        installed.remove()
    except ExceptionGroup as failure:
        left = installed.found()
        _show("removed", [each for each in found if each not in left])
        raise PynetError(f"not everything was removed: {reasons(failure)}") from failure
    _show("removed", found)


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
            f"Docker uses networks of pynet: {', '.join(used)}; start pynet and remove them with "
            f"`docker network rm`"
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
