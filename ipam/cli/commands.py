"""The commands of ``python -m ipam``: the allocator on a store file.

They may be used on the file of a running plugin: each sees what the other writes.
"""

from pathlib import Path
from typing import TextIO

import click
from rich.console import Console

from ipam.check import find_faults
from ipam.cli.context import Commands, GlobalOptions, owner_options, tenant_options
from ipam.cli.show import show_pool, show_pools
from ipam.lease import AddressRequest, Kind, Owner
from ipam.pool import AddressSpaceName, PoolID, PoolRequest, Tenant
from ipam.prefixes import parse_address, parse_prefix
from ipam.reservation import Reservation, dump_reservations, load_reservations, parse_kept


@click.group(cls=Commands)
@click.option(
    "--store",
    default=Path("ipam.db"),
    envvar="IPAM_STORE",
    show_default=True,
    show_envvar=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file that holds pools, leases and reservations.",
)
@click.option(
    "--pools",
    default="",
    envvar="IPAM_POOLS",
    show_envvar=True,
    help="Ranges for pools without a subnet: base:size, with commas between.",
)
@click.pass_context
def main(ctx: click.Context, store: Path, pools: str) -> None:
    """Give out pools and addresses, and see who holds them."""
    ctx.obj = GlobalOptions(path=store, pools=pools)


@main.command("request-pool")
@click.argument("subnet", required=False)
@click.option("--sub-pool", help="Choose addresses from this part only.")
@click.option("--v6", is_flag=True, help="Any IPv6 pool, if no subnet is given.")
@click.option("--owner", help="Who asks: the same owner gets the same pool again.")
@click.option("--option", "options", multiple=True, metavar="KEY=VALUE", help="As --ipam-opt.")
@click.pass_obj
def request_pool(
    given: GlobalOptions,
    subnet: str | None,
    sub_pool: str | None,
    options: tuple[str, ...],
    owner: str | None,
    *,
    v6: bool,
) -> None:
    """Hold a pool, SUBNET or any, and print its id."""
    request = PoolRequest(
        prefix=parse_prefix(subnet) if subnet else None,
        subpool=parse_prefix(sub_pool) if sub_pool else None,
        options={key: value for key, _, value in (item.partition("=") for item in options)},
        v6=v6,
        owner=owner,
    )
    click.echo(given.open(new=True).request_pool(request).id)


@main.command("release-pool")
@click.argument("pool")
@click.pass_obj
def release_pool(given: GlobalOptions, pool: str) -> None:
    """Let the pool go, and its addresses with it."""
    given.open().release_pool(PoolID(pool))


@main.command()
@click.argument("pool")
@click.argument("address", required=False)
@click.option("--gateway", is_flag=True, help="For the pool's gateway.")
@owner_options
@click.pass_obj
def request(
    given: GlobalOptions, pool: str, address: str | None, owner: Owner, *, gateway: bool
) -> None:
    """Hold an address of POOL, ADDRESS or any, and print it."""
    wanted = AddressRequest(
        address=parse_address(address) if address else None,
        kind=Kind.GATEWAY if gateway else Kind.ENDPOINT,
        owner=owner,
    )
    click.echo(given.open().request_address(PoolID(pool), wanted))


@main.command()
@click.argument("pool")
@click.argument("address")
@click.pass_obj
def release(given: GlobalOptions, pool: str, address: str) -> None:
    """Give ADDRESS back to POOL."""
    given.open().release_address(PoolID(pool), parse_address(address))


@main.command()
@click.argument("pool", required=False)
@click.pass_obj
def show(given: GlobalOptions, pool: str | None) -> None:
    """Show every pool, or POOL with a picture of its use and its leases."""
    allocator = given.open()
    console = Console()
    if pool is None:
        show_pools(console, allocator)
        return
    for found in allocator.pools():
        if found.id == pool:
            show_pool(console, allocator, found)
            return
    raise click.ClickException(f"pool {pool} is not held; list all with show")


@main.command()
@click.argument("address")
@owner_options
@tenant_options
@click.pass_obj
def reserve(given: GlobalOptions, address: str, owner: Owner, tenant: Tenant, space: str) -> None:
    """Keep ADDRESS for one owner, and from all others."""
    given.open(new=True).reserve(
        Reservation(
            space=AddressSpaceName(space),
            tenant=tenant,
            address=parse_kept(address),
            owner=owner,
        )
    )


@main.command()
@click.argument("address")
@tenant_options
@click.pass_obj
def unreserve(given: GlobalOptions, address: str, tenant: Tenant, space: str) -> None:
    """Keep ADDRESS no longer."""
    allocator = given.open()
    wanted = (space, tenant, parse_kept(address))
    for each in allocator.reservations():
        if (each.space, each.tenant, each.address) == wanted:
            allocator.unreserve(each)
            return
    raise click.ClickException(f"{address} is not reserved; export lists what is")


@main.command("export")
@click.argument("file", type=click.File("w"), default="-")
@click.pass_obj
def export(given: GlobalOptions, file: TextIO) -> None:
    """Write all reservations as YAML, to FILE or the terminal."""
    file.write(dump_reservations(given.open().reservations()))


@main.command("import")
@click.argument("file", type=click.File("r"))
@click.pass_obj
def import_(given: GlobalOptions, file: TextIO) -> None:
    """Make the reservations that FILE lists, beside those there are: all or none."""
    reservations = load_reservations(file.read())
    given.open(new=True).reserve(*reservations)


@main.command()
@click.pass_obj
def check(given: GlobalOptions) -> None:
    """Look for contradictions in the store; the status is 1 if there are any."""
    faults = list(find_faults(given.open()))
    for fault in faults:
        click.echo(fault)
    if faults:
        raise SystemExit(1)
