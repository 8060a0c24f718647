"""Every combination of options of mode bridge, and the whole of what the host holds for it.

A change of a plan shows as a change of a file, which a reviewer reads.  Written anew by
``PYNET_GOLDEN=write pytest tests/golden``.
"""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from plugin.drivers.registry import driver_for
from plugin.model.network import Network, Protocol
from plugin.model.plan import Plan, in_order
from plugin.model.resources import Element
from tests.fakes.values import a_network, a_published_port, an_endpoint

HERE = Path(__file__).parent / "bridge"
FAMILIES = {
    "v4": ("10.1.0.0/24",),
    "v6": ("fd00:1::/64",),
    "dual": ("10.1.0.0/24", "fd00:1::/64"),
    "two-subnets": ("10.1.0.0/24", "10.2.0.0/24"),
}
KINDS = {
    "plain": {},
    "internal": {"internal": True},
    "unmasked": {"options": {"masquerade": "false"}},
    "routed": {"options": {"gateway_mode_ipv4": "routed", "gateway_mode_ipv6": "routed"}},
    "unprotected": {"options": {"gateway_mode_ipv4": "nat-unprotected"}},
    "strict": {"options": {"isolation": "strict", "icc": "false", "host_services": "53/udp,80"}},
    "bare": {"options": {"isolation": "off", "spoof_guard": "false", "userland_proxy": "false"}},
    "bounded": {"options": {"rate_to": "10mbit", "rate_from": "5mbit", "host_ipv4": "192.0.2.1"}},
    "named": {"options": {"bridge_name": "lan", "mtu": "1400", "iface_prefix": "net"}},
}
CASES = {
    f"{family}-{kind}": a_network("golden", *subnets, **changes)  # type: ignore[arg-type]
    for (family, subnets), (kind, changes) in product(FAMILIES.items(), KINDS.items())
}


def rendered(plan: Plan) -> list[str]:
    """One line for each resource, in the order of making."""
    lines = []
    for resource in in_order(sorted(plan.resources, key=repr)):
        if isinstance(resource, Element):
            data = f" : {' . '.join(resource.data)}" if resource.data else ""
            lines.append(f"element {resource.container} {' . '.join(resource.match)}{data}")
        else:
            fields = (f"{name}={getattr(resource, name)}" for name in resource.__slots__)
            lines.append(f"{type(resource).__name__.lower()} {' '.join(fields)}")
    return lines


def page(network: Network) -> str:
    driver = driver_for(network.mode)
    endpoint = an_endpoint(network)
    own = [interface.ip for interface in (endpoint.ipv4, endpoint.ipv6) if interface]
    published = tuple(
        a_published_port("0.0.0.0" if address.version == 4 else "::", 8080, str(address))
        for address in own
    )
    if endpoint.ipv4 and not network.internal:
        one = a_published_port("127.0.0.1", 53, str(endpoint.ipv4.ip), 5353)
        published += (replace(one, protocol=Protocol.UDP),)
    endpoint = replace(endpoint, published=() if network.internal else published)
    attachment = driver.attachment(network, endpoint)
    return "\n".join(
        [
            "# network",
            *rendered(driver.network_plan(network)),
            "# endpoint",
            *rendered(driver.endpoint_plan(network, endpoint)),
            "# ports",
            *rendered(driver.ports_plan(network, endpoint)),
            "# attachment",
            *(f"{name}={getattr(attachment, name)}" for name in attachment.__slots__),
            "",
        ]
    )


@pytest.mark.parametrize("name", CASES)
def test_the_plan_is_as_it_was_written_down(name: str) -> None:
    """Read the difference: is it what the change was for?"""
    path = HERE / f"{name}.txt"
    if os.environ.get("PYNET_GOLDEN") == "write":
        path.write_text(page(CASES[name]))

    assert page(CASES[name]) == path.read_text()


def test_there_is_no_page_without_its_case() -> None:
    """Left over from a case that was renamed."""
    assert {path.stem for path in HERE.iterdir()} == set(CASES)
