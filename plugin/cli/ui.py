"""The command that serves a page about this host's networks."""

import secrets
import shlex
import signal
import socket
import threading
from collections.abc import Callable
from typing import Final

import click

from plugin.cli.client import ask
from plugin.cli.engine import Remembered
from plugin.cli.output import plain
from plugin.cli.this_host import this_host
from plugin.errors import RefusedError, SettingError
from plugin.operator.doctor.host import Host
from plugin.sockets import Listener, read_listener

_WHERE: Final = "127.0.0.1:9611"
_KEY_BYTES: Final = 16
_ANSWER_KEY_BYTES: Final = 9  # a page asks for it once
_ENGINE_SECONDS: Final = 2.0


@click.command()
@click.option("--listen", default=_WHERE, metavar="ADDRESS:PORT", help=f"Where ({_WHERE}).")
@click.option("--every", type=click.FloatRange(0.2, 60), default=1.0, help="Seconds between (1).")
def ui(*, listen: str, every: float) -> None:
    """Serve a page that shows networks, ports, drift and drops, until Ctrl-C.

    It is for browsers on this host; from another machine, use ssh -L.
    """
    from plugin.ui.feed import Feed  # noqa: PLC0415 - the help needs no server
    from plugin.ui.pages import Pages, seen  # noqa: PLC0415
    from plugin.ui.server import MOST_VIEWERS, Server  # noqa: PLC0415

    where = _loopback(listen)
    ask("/health")  # a page that shows nothing is worse than a sentence
    key, answer_key = (secrets.token_urlsafe(size) for size in (_KEY_BYTES, _ANSWER_KEY_BYTES))
    name = socket.gethostname()
    look = _looking()
    feed = Feed(lambda: seen(look, name), every=every, most=MOST_VIEWERS)
    pages = Pages(key=key, answer_key=answer_key, address=_written(where), ask=ask)
    server = Server(where, pages, feed)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    port = server.server_address[1]
    click.echo(f"http://{_written(where)}:{port}/#{key}.{answer_key}")
    click.echo(
        "The address has a key; who has it sees what this page shows.  Ctrl-C ends it.", err=True
    )
    tunnel = f"ssh -L {port}:{_written(where)}:{port} {shlex.quote(name)}"
    # The host's name may be of a DHCP server.
    click.echo(f"From another machine: {plain(tunnel)}", err=True)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _loopback(text: str) -> Listener:
    """Raises RefusedError for an address at which other machines would see the page."""
    try:
        where = read_listener("--listen", text)
    except SettingError as error:
        raise RefusedError(str(error)) from error
    if where is None or not where.address.is_loopback:
        raise RefusedError(
            f"--listen is {text!r}, expected an address of the loopback, as {_WHERE}: the page is not "
            "encrypted; from another machine, use ssh -L"
        )
    return where


def _written(where: Listener) -> str:
    return f"[{where.address}]" if where.address.version == 6 else str(where.address)


def _looking() -> Callable[[], Host]:
    """Looks at this host anew each time.  What it returns raises why pynet does not answer."""
    ask_engine = Remembered(_ENGINE_SECONDS)

    def look() -> Host:
        host = this_host(ask_engine)
        if host.unanswered is not None:
            raise host.unanswered
        return host

    return look
