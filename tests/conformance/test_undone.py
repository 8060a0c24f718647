"""Calls that end after they were answered for: dockerd saw a failure, so nothing of them stays."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ipam.lease import State
from plugin.server.calls import CALL, Call
from tests.conformance.plugin import Plugin
from tests.fakes.values import SANDBOX

NETWORK = {"NetworkID": "a" * 64}
ENDPOINT = {**NETWORK, "EndpointID": "e" * 64}
POOL = "pynet-local/10.7.0.0/24"
DATA = {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24", "Gateway": "10.7.0.1/24"}
PORT = {"Proto": 6, "IP": "", "Port": 80, "HostIP": "", "HostPort": 8080, "HostPortEnd": 8080}
# What dockerd says one after the other for a network and a container on it.
STEPS: list[tuple[str, dict[str, Any]]] = [
    ("IpamDriver.RequestPool", {"AddressSpace": "pynet-local", "Pool": "10.7.0.0/24"}),
    (
        "IpamDriver.RequestAddress",
        {
            "PoolID": POOL,
            "Address": "10.7.0.1",
            "Options": {"RequestAddressType": "com.docker.network.gateway"},
        },
    ),
    ("NetworkDriver.CreateNetwork", {**NETWORK, "Options": {}, "IPv4Data": [DATA], "IPv6Data": []}),
    ("IpamDriver.RequestAddress", {"PoolID": POOL, "Address": "10.7.0.9", "Options": {}}),
    (
        "NetworkDriver.CreateEndpoint",
        {
            **ENDPOINT,
            "Interface": {
                "Address": "10.7.0.9/24",
                "AddressIPv6": "",
                "MacAddress": "02:00:00:00:00:09",
            },
            "Options": {},
        },
    ),
    ("NetworkDriver.Join", {**ENDPOINT, "SandboxKey": SANDBOX, "Options": {}}),
    (
        "NetworkDriver.ProgramExternalConnectivity",
        {**ENDPOINT, "Options": {"com.docker.network.portmap": [PORT]}},
    ),
]


def taken(plugin: Plugin) -> object:
    """All that is taken on the host, in the state and in the IPAM."""
    return (
        plugin.rig.held(),
        tuple(plugin.rig.store.networks()),
        [
            # Who left is as who never joined.
            replace(endpoint, sandbox_key=None)
            for network in plugin.rig.store.networks()
            for endpoint in plugin.rig.store.endpoints(network.id)
        ],
        [each.address for each in plugin.allocator.leases(POOL) if each.state is not State.RESTING]
        if plugin.allocator.pools()
        else None,
    )


@pytest.mark.parametrize("number", [n for n in range(len(STEPS)) if n != 1])
def test_nothing_of_a_late_call_stays(number: int) -> None:
    """But the link of a late join, which goes with the deletion that follows."""
    plugin = Plugin()
    for method, body in STEPS[:number]:
        status, answer = plugin.ask(method, body)
        assert (status, answer.get("Err")) == (200, None), answer
    before = taken(plugin)
    method, body = STEPS[number]
    call = Call(method, None, 0)
    call.abandon()
    late = plugin.client.post(f"/{method}", data=json.dumps(body), environ_overrides={CALL: call})
    if method == "NetworkDriver.Join":
        plugin.call("NetworkDriver.DeleteEndpoint", ENDPOINT)
        plugin.call(*STEPS[number - 1])

    assert late.status_code == 500
    assert taken(plugin) == before


def test_a_late_gateway_goes_with_its_pool() -> None:
    """It may have been asked for again meanwhile, by a network that has it now."""
    plugin = Plugin()
    plugin.call(*STEPS[0])
    call = Call("IpamDriver.RequestAddress", None, 0)
    call.abandon()
    method, body = STEPS[1]
    plugin.client.post(f"/{method}", data=json.dumps(body), environ_overrides={CALL: call})

    assert [str(lease.address) for lease in plugin.allocator.leases(POOL)] == ["10.7.0.1"]
