"""A host whose card has another name than eth0."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.host import Host


@contextmanager
def named(host: Host, name: str) -> Iterator[None]:
    """Call eth0 otherwise for a while."""
    _rename(host, "eth0", name)
    try:
        yield
    finally:
        _rename(host, name, "eth0")


def _rename(host: Host, old: str, new: str) -> None:
    """Kernels before 6.2 rename no link that is up, and one that goes down loses addresses and routes."""
    shown = host.run("ip", "-6", "-o", "addr", "show", "dev", old, "scope", "global")
    addresses = [word for word in shown.split() if "/" in word]
    routes = {
        family: host.run("ip", family, "route", "show", "default", "dev", old).splitlines()
        for family in ("-4", "-6")
    }
    for words in (
        f"{old} down",
        f"{old} name {new}",
        f"{new} up",
    ):
        host.run("ip", "link", "set", *words.split())
    for address in addresses:
        host.run("ip", "addr", "replace", address, "dev", new, "nodad")
    for family, lines in routes.items():
        for line in lines:
            host.run("ip", family, "route", "replace", *line.split(), "dev", new)
