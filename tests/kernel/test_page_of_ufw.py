"""The lines for ufw of docs/reference/firewalls.md, run as they are printed, with the real one."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from plugin.model.ids import bridge_name
from tests.kernel.site import Container, Site
from tests.kernel.ufw import Ufw, ensure_ufw

PAGE: Final = Path(__file__).parents[2] / "docs/reference/firewalls.md"
LINES: Final = re.findall(r"^ufw (.*)$", PAGE.read_text(), re.MULTILINE)
SERVICE: Final = ("10.208.0.1", 5432)  # of the host, in the subnet that the page names
SILENCE: Final = 0.3  # seconds, for what must not be answered
PATIENCE: Final = 60.0


@pytest.fixture
def site() -> Iterator[Site]:
    """A host with Docker's chains; ufw is got before, for which a network is needed."""
    ensure_ufw()
    made = Site(docker=True)
    with made.host.entered():
        yield made
        made.close()


@pytest.fixture
def one(site: Site) -> Container:
    """A container on a network with that subnet."""
    return site.container(site.network("web", "10.208.0.0/24"))


def is_served(site: Site, one: Container, *, within: float) -> bool:
    """Whether the service of the host takes a connection of the container's."""
    with (
        site.host.socket(socket.AF_INET, socket.SOCK_STREAM) as listener,
        one.netns.socket(socket.AF_INET, socket.SOCK_STREAM) as client,
    ):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(SERVICE)
        listener.listen()
        client.settimeout(within)
        return client.connect_ex(SERVICE) == 0


@pytest.mark.parametrize("line", LINES)
def test_a_service_of_the_host(site: Site, one: Container, tmp_path: Path, line: str) -> None:
    """Is closed by default, open by either line, and closed without it."""
    ufw = Ufw(ensure_ufw(), tmp_path)
    rule = re.sub(r"pnb-\w+", bridge_name(one.network.id), line).split()
    ufw("--force", "enable")
    assert not is_served(site, one, within=SILENCE)
    ufw(*rule)
    assert is_served(site, one, within=PATIENCE)
    ufw("delete", *rule)

    assert not is_served(site, one, within=SILENCE)


def test_there_are_lines() -> None:
    """For a bridge, and for a subnet."""
    assert len(LINES) == 2
