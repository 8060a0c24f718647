"""A record comes back as what it was, whatever it was."""

from ipaddress import IPv4Interface, IPv6Interface

from hypothesis import given
from hypothesis import strategies as st

from plugin.model.network import Endpoint, Network, PoolData, PortBinding
from plugin.store.codec import decode, encode

interfaces = st.ip_addresses(v=4).map(lambda a: IPv4Interface((a, 24))) | st.ip_addresses(v=6).map(
    lambda a: IPv6Interface((a, 64))
)
addresses = st.ip_addresses()
pools = st.builds(
    PoolData,
    prefix=interfaces.map(lambda interface: interface.network),
    gateway=st.none() | interfaces,
    auxiliary=st.dictionaries(st.text(max_size=5), interfaces, max_size=2),
)
bindings = st.builds(PortBinding, host_ip=st.none() | addresses)
networks = st.builds(
    Network,
    pools=st.lists(pools, max_size=3).map(tuple),
    options=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
)
endpoints = st.builds(
    Endpoint,
    ipv4=st.none() | interfaces.filter(lambda interface: interface.version == 4),
    ipv6=st.none() | interfaces.filter(lambda interface: interface.version == 6),
    bindings=st.lists(bindings, max_size=3).map(tuple),
)


@given(networks)
def test_networks(network: Network) -> None:
    """Every field of them."""
    assert decode(encode(network), Network) == network


@given(endpoints)
def test_endpoints(endpoint: Endpoint) -> None:
    """Every field of them."""
    assert decode(encode(endpoint), Endpoint) == endpoint
