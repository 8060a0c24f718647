"""Records: what was written by one version and read by another."""

import json
from dataclasses import replace

import pytest

from plugin.errors import StoreError
from plugin.model.network import Network, NetworkState
from plugin.store.codec import decode, encode
from tests.fakes.values import a_binding, a_network, a_published_port, an_endpoint


def test_a_record_is_readable_json() -> None:
    """People look at it when things are bad."""
    network = replace(a_network(), state=NetworkState.ACTIVE)
    record = json.loads(encode(network))

    assert record["pools"][0]["prefix"] == "10.1.0.0/24"
    assert record["state"] == "active"


def test_both_families_come_back_as_what_they_were() -> None:
    """Addresses, interfaces and prefixes are of one of two types each."""
    network = a_network("blue", "10.1.0.0/24", "fd00:1::/64")
    endpoint = an_endpoint(
        network,
        bindings=(a_binding(host_ip="::1"), a_binding()),
        published=(a_published_port(), a_published_port("::", 1, "fd00:1::2")),
    )

    assert decode(encode(network), Network) == network
    assert decode(encode(endpoint), type(endpoint)) == endpoint


def test_an_endpoint_that_an_older_pynet_wrote() -> None:
    """It had no name for its link in the sandbox; what it had is kept."""
    endpoint = an_endpoint(a_network())
    record = json.loads(encode(endpoint))
    del record["ifname"]

    assert decode(json.dumps(record).encode(), type(endpoint)) == endpoint


def test_an_endpoint_that_a_newer_pynet_wrote() -> None:
    """Its field that we do not know is no reason to serve nothing."""
    endpoint = an_endpoint(a_network())
    record = {**json.loads(encode(endpoint)), "peers": ["10.0.0.1"]}

    assert decode(json.dumps(record).encode(), type(endpoint)) == endpoint


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"{",
        b'{"mode": "bridge"}',
        b'{"id": "x", "mode": "bridge", "state": "dancing"}',
        b'{"id": "x", "mode": "bridge", "pools": [{"space": "", "prefix": "10.0.0.1/8"}]}',
    ],
)
def test_what_cannot_be_read_is_an_error_of_the_store(record: bytes) -> None:
    """Never a guess."""
    with pytest.raises(StoreError, match="a record of the state cannot be read"):
        decode(record, Network)
