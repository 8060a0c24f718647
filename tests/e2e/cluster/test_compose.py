"""Docker Compose itself, with the files of the pages as they are there."""

import re
import shutil
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.clustered import Clustered
from tests.lab.clients import http_get
from tests.lab.commands import CommandError, wait_until
from tests.lab.host import Host
from tests.lab.roots import COMPOSE, ensure_compose, ensure_image
from tests.lab.site import Site

pytestmark = pytest.mark.nightly

DOCS: Final = Path(__file__).parents[3] / "docs/reference"
FILE: Final = re.compile(r"^```yaml\n(services:\n.*?)^```", re.DOTALL | re.MULTILINE)
PROJECT: Final = "/srv/project/compose.yml"
# Busybox in the place of images that hosts without a registry do not have.
SERVER: Final = 'CMD ["sh", "-c", "hostname >/www/index.html; exec httpd -f -h /www"]'
IMAGES: Final = {"nginx": SERVER, "postgres": 'CMD ["sleep", "3600"]'}
TRAEFIK: Final = 'ENTRYPOINT ["sh", "-c", "exec sleep 3600"]'


class Project:
    """The file of a page on one host."""

    def __init__(self, site: Site, text: str) -> None:
        self._host = site.host
        path = self._host.path(PROJECT)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def compose(self, *arguments: str) -> str:
        return self._host.docker("compose", "-f", PROJECT, *arguments)

    def container(self, service: str) -> str:
        return f"project-{service}-1"


@pytest.fixture
def composing(hosts: Clustered) -> Iterator[Clustered]:
    """Hosts with Docker Compose and the images."""
    for site in hosts.sites:
        program = site.host.path(str(COMPOSE))
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ensure_compose(), program)
        _make_images(site.host)
    yield hosts
    for site in hosts.sites:
        site.host.path(str(COMPOSE)).unlink()
        for name in (*IMAGES, "traefik"):
            site.host.docker("image", "rm", name)


def _make_images(host: Host) -> None:
    for name, change in (*IMAGES.items(), ("traefik", TRAEFIK)):
        with ensure_image().open("rb") as image:
            host.client.api.import_image_from_data(
                image.read(), repository=name, tag="latest", changes=[change]
            )


def files_of(page: str) -> list[str]:
    return FILE.findall((DOCS / page).read_text())


def test_the_same_file_on_all_hosts(composing: Clustered) -> None:
    """Makes one network: other addresses on each, which reach each other; and nothing is left of it."""
    (text,) = files_of("cluster.md")
    projects = [Project(site, text) for site in composing.sites]
    for project in projects:
        project.compose("up", "-d")
    networks = ["project_lan"] * len(projects)
    containers = [[each.container("web")] for each in projects]
    one, two = composing.addresses(networks, containers)
    assert one != two
    for site, own, other in zip(composing.sites, containers, (two, one), strict=True):
        wait_until(partial(site.pings, own[0], other), "the other host's")
    for project in projects:
        project.compose("up", "-d")
    assert composing.addresses(networks, containers) == [one, two]
    for project in projects:
        project.compose("down")

    wait_until(lambda: not composing.etcd.keys("pools/"), "the end of the subnet")


def test_ports_addresses_and_names(composing: Clustered) -> None:
    """On each engine, with what the table says of Compose's own commands."""
    text, _ = files_of("compose.md")
    for site, other in zip(composing.sites, composing.sites[::-1], strict=True):
        project = Project(site, text)
        project.compose("up", "-d")
        web, db = map(project.container, ("web", "db"))
        address = site.address(db, "project_back")
        assert address == ip_address("10.66.0.10")
        wait_until(partial(_serves, other, site), "the published port")
        assert site.address(web, "project_front") != address
        assert "8080" not in project.compose("ps")
        with pytest.raises(CommandError, match="no port 80/tcp"):
            project.compose("port", "web", "80")
        kept = site.address(web, "project_front")
        project.compose("restart", "web")
        assert site.address(web, "project_front") == kept
        project.compose("down")
        assert site.docker("network", "ls", "-q", "-f", f"driver={site.driver}") == ""


def test_values_without_quotes(composing: Clustered) -> None:
    """Compose says so."""
    text, _ = files_of("compose.md")
    for site in composing.sites:
        project = Project(site, text.replace('icc: "true"', "icc: true"))
        with pytest.raises(
            CommandError, match=r"driver_opts\.icc must be a (string or number|number or string)"
        ):
            project.compose("up", "-d")


def test_one_network_for_a_proxy(composing: Clustered) -> None:
    """And what is behind it, with labels; a busybox stands for Traefik."""
    _, text = files_of("compose.md")
    for site in composing.sites:
        project = Project(site, text)
        project.compose("up", "-d")
        proxy, app = map(project.container, ("traefik", "app"))
        assert site.exec(proxy, "wget", "-qO-", "http://app/") == site.exec(app, "hostname")
        project.compose("down")


def _serves(other: Site, site: Site) -> bool:
    try:
        return bool(http_get(other.host.netns, site.host.address, 8080))
    except OSError:
        return False
