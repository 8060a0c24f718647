"""Wrong options of every mode: the refusal says what would be right, and nothing is left.

One engine takes all cases of `tests/refusals` in one go, because each is one call.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from tests import refusals
from tests.lab.clients import http_get
from tests.lab.commands import CommandError
from tests.lab.site import Site
from tests.refusals.case import Refusal


def test_networks(site: Site) -> None:
    """Option, value and remedy are in the sentence; the site sees that nothing is left."""
    answers = [(case, _create(site, case)) for case in refusals.of_networks()]

    assert {case.name: said for case, said in answers if case.said not in said} == {}


def test_containers(site: Site) -> None:
    """The connection is refused, and the container is as it was."""
    container = site.run()
    wrong = {}
    for options, cases in _by_network(refusals.of_containers()).items():
        network = site.network(
            "--subnet=10.50.0.0/24", *(word for o in options for word in ("-o", o))
        )
        for case in cases:
            said = _connect(site, network, container, case.container)
            if case.said not in said:
                wrong[case.name] = said
        site.remove_network(network)

    assert wrong == {}
    assert "eth1" not in site.exec(container, "ip", "link")
    site.docker("network", "connect", site.network(), container)
    assert "eth1" in site.exec(container, "ip", "link")


def _by_network(cases: Iterable[Refusal]) -> dict[tuple[str, ...], list[Refusal]]:
    """Cases by the options of their network; the engine's kernel may not have the other modes."""
    found: dict[tuple[str, ...], list[Refusal]] = {}
    for case in cases:
        if case.mode in ("bridge", "null"):
            words = {"mode": case.mode, **case.options}
            options = tuple(f"{name}={value}" for name, value in words.items())
            found.setdefault(options, []).append(case)
    return found


def _create(site: Site, case: Refusal) -> str:
    """What the engine says; a network that it makes is removed."""
    pools = [IPAMPool(subnet=subnet, gateway=first) for subnet, first in case.gateways.items()]
    api = site.host.client.api
    try:
        made = api.create_network(
            "refused",
            driver=site.driver,
            options={"mode": case.mode, **case.options},
            ipam=IPAMConfig(driver=site.driver, pool_configs=pools),
            internal=case.internal,
            enable_ipv6=len(pools) > 1,
        )
    except APIError as error:
        return str(error.explanation)
    api.remove_network(made["Id"])
    return "nothing"


def _connect(site: Site, network: str, container: str, options: dict[str, str]) -> str:
    api = site.host.client.api
    try:
        api.connect_container_to_network(container, network, driver_opt=options)
    except APIError as error:
        return str(error.explanation)
    api.disconnect_container_from_network(container, network)
    return "nothing"


def test_sctp_without_the_kernels_help(site: Site) -> None:
    """Where the kernel has no SCTP the start is refused in one sentence, and undone."""
    if Path("/proc/net/sctp").exists():
        pytest.skip("this kernel has SCTP")
    network = site.network()

    with pytest.raises(CommandError) as caught:
        site.run("--network", network, "-p", "8080:80", "-p", "8081:80/sctp")

    said = [line for line in caught.value.output.splitlines() if "sctp" in line.lower()]
    assert len(said) == 1, caught.value.output
    web = site.web("--network", network, "-p", "8080:80")
    assert http_get(site.host.netns, site.host.address, 8080) == web
