"""Print the man page of `pynet`, its completion for a shell, or its file of settings.

    manual.py man | bash | zsh | settings

Run with `python -P`: in this folder `plugin.py` is another thing than the package `plugin`.
"""

import sys
import textwrap
from collections.abc import Iterator
from typing import Final

import click
from click.shell_completion import BashComplete, ZshComplete

from plugin import __version__
from plugin.cli.commands import COMMANDS, group
from plugin.settings import SETTINGS

_SHELLS: Final = {"bash": BashComplete, "zsh": ZshComplete}
_STATUS: Final = {
    "0": "All is well, or it was done.",
    "1": "Something is wrong, or was refused; the message has the reason.",
    "2": "The command line is wrong.",
    "3": "No pynet runs on this host.",
    "4": "This user has no permission to ask.",
}
_FILES: Final = {
    "/etc/default/pynet": "Settings of the service.",
    "/var/lib/pynet": "Networks, endpoints, pools and addresses.",
    "/run/docker/plugins/pynet.sock": "Where Docker asks.",
    "/run/pynet/admin.sock": "Where these commands ask, and health and metrics are.",
}


def page() -> Iterator[str]:
    """Return the man page, line by line (groff_man(7))."""
    yield f'.TH PYNET 8 "" "pynet {__version__}" "System administration"'
    yield ".SH NAME"
    yield r"pynet \- container networking for Docker"
    yield ".SH SYNOPSIS"
    yield r".B pynet"
    yield r".I COMMAND"
    yield r"[\fIOPTION\fR]... [\fIARGUMENT\fR]..."
    yield ".SH DESCRIPTION"
    yield _plain(
        "pynet is a network and IPAM driver for Docker. `docker network create -d pynet "
        "NETWORK` makes a network of it. The service pynet.service runs `pynet serve`; "
        "the other commands show and change what it has."
    )
    yield ".SH COMMANDS"
    for name in COMMANDS:
        yield from _command(name)
    yield ".SH EXIT STATUS"
    yield from _terms(_STATUS)
    yield ".SH ENVIRONMENT"
    yield _plain(
        "Settings of the service are in /etc/default/pynet; commands read them there, too."
    )
    for setting in SETTINGS:
        default = f" Default: {setting.default}." if setting.default else ""
        yield from _terms({setting.name: setting.meaning + default})
    yield ".SH FILES"
    yield from _terms(_FILES)
    yield ".SH SEE ALSO"
    yield ".BR docker (1),"
    yield ".BR nft (8),"
    yield "/usr/share/doc/pynet"


def settings() -> Iterator[str]:
    """Return /etc/default/pynet, with every setting as a comment."""
    yield "# Settings of pynet.service; systemctl restart pynet reads them.  See pynet(8)."
    for setting in SETTINGS:
        yield ""
        yield from (f"# {line}" for line in textwrap.wrap(setting.meaning, 96))
        yield f"#{setting.name}={setting.default}"


def _command(name: str) -> Iterator[str]:
    context = click.Context(group, info_name="pynet")
    command = group.get_command(context, name)
    if command is None:
        raise KeyError(name)
    own = click.Context(command, info_name=name, parent=context)
    usage = " ".join(command.collect_usage_pieces(own))
    yield f".SS {_plain(f'pynet {name} {usage}')}"
    yield _plain(" ".join((command.help or "").split()))
    for parameter in command.get_params(own):
        record = parameter.get_help_record(own)
        if record is not None and record[1] and "--help" not in record[0]:
            yield from _terms({record[0]: record[1]})
    if isinstance(command, click.Group):
        for each in command.list_commands(own):
            inner = command.get_command(own, each)
            yield from _terms({f"{name} {each}": inner.get_short_help_str(200) if inner else ""})


def _terms(terms: dict[str, str]) -> Iterator[str]:
    for term, meaning in terms.items():
        yield ".TP"
        yield f".B {_plain(term)}"
        yield _plain(meaning)


def _plain(text: str) -> str:
    """Return text that troff takes as it is: no dot or quote begins a line, a hyphen is a minus."""
    plain = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "")
    return rf"\&{plain}" if plain.startswith((".", "'")) else plain


def main() -> int:
    what = sys.argv[1]
    if what in ("man", "settings"):
        lines = page() if what == "man" else settings()
        sys.stdout.writelines(f"{line}\n" for line in lines)
    else:
        complete = _SHELLS[what](group, {}, "pynet", "_PYNET_COMPLETE")
        sys.stdout.write(complete.source())
    return 0


if __name__ == "__main__":
    sys.exit(main())
