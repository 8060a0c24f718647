"""Mode null: loopback and nothing else."""

import pytest

from tests.e2e.parents import links_of
from tests.lab.site import Site


@pytest.mark.parametrize("ipam", ["null", "pynet", "default"])
def test_loopback_only(site: Site, ipam: str) -> None:
    """Whichever IPAM gives the unused addresses; a second network works beside it."""
    driver = site.driver if ipam == "pynet" else ipam
    nowhere = site.network("-o", "mode=null", "--ipam-driver", driver, ipam=False)
    container = site.run("--network", nowhere)

    assert links_of(site, container) == ["lo"]
    assert site.exec(container, "ip", "route") == ""
    network = site.network()
    site.docker("network", "connect", network, container)
    assert links_of(site, container) == ["lo", "eth0"]
    assert site.pings(container, site.run("--network", network))


def test_restart(site: Site) -> None:
    """A container of it comes back as it was."""
    network = site.network("-o", "mode=null", "--ipam-driver", "null", ipam=False)
    container = site.run("--network", network)
    site.docker("restart", container)

    assert links_of(site, container) == ["lo"]
