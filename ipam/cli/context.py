"""What every command of ``python -m ipam`` has in common.

The store is opened by the command and not before, so that asking for help needs none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Final, TypeAlias

import click

from ipam.allocator import Allocator
from ipam.errors import IpamError
from ipam.lease import Owner
from ipam.pool import LOCAL, NO_TENANT, parse_tenant
from ipam.reservation import parse_mac
from ipam.settings import Settings, parse_pools, with_defaults
from ipam.store.sqlite import SqliteStore

MACHINE_ID: Final = Path("/etc/machine-id")

Command: TypeAlias = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalOptions:
    """The options that were given before the command."""

    path: Path
    pools: str

    def open(self, *, new: bool = False) -> Allocator:
        """The allocator on the store, until the command ends."""
        if not new and not self.path.exists():
            raise click.ClickException(f"store {self.path} does not exist; name one with --store")
        given = parse_pools(self.pools) if self.pools else ()
        host_id = MACHINE_ID.read_text() if MACHINE_ID.exists() else ""
        settings = Settings(pools=with_defaults(given, host_id.strip()), host_id=host_id.strip())
        store = SqliteStore(self.path)
        click.get_current_context().call_on_close(store.close)
        return Allocator(store, settings, facts=store)


class Commands(click.Group):
    """Commands that report an error in one sentence."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except IpamError as error:
            raise click.ClickException(str(error)) from error
        except UnicodeDecodeError as error:
            raise click.ClickException(
                f"the file is no text in UTF-8, at byte {error.start}"
            ) from error


def owner_options(command: Command) -> Command:
    """Options for the owner of an address."""

    @wraps(command)
    def run(
        *args: object, name: str | None, mac: str | None, tag: str | None, **kwargs: object
    ) -> None:
        owner = Owner(name=name, mac=parse_mac(mac) if mac else None, tag=tag)
        command(*args, owner=owner, **kwargs)

    run = click.option("--tag", help="Who it is for, by any text.")(run)
    run = click.option("--mac", help="Who it is for, by MAC address.")(run)
    return click.option("--name", help="Who it is for, by name.")(run)


def tenant_options(command: Command) -> Command:
    """Options that select pools."""

    @wraps(command)
    def run(*args: object, tenant: str | None, **kwargs: object) -> None:
        command(*args, tenant=parse_tenant(tenant) if tenant else NO_TENANT, **kwargs)

    run = click.option("--space", default=LOCAL, show_default=True, help="In this space.")(run)
    return click.option("--tenant", help="In the pools of this tenant.")(run)
