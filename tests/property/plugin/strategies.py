"""Generators, named once."""

from typing import Any

from hypothesis import strategies as st

LABEL = "com.docker.network."

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 33), 1 << 33)
    | st.floats()
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
ids = st.sampled_from(["a" * 64, "b" * 64, "", "näme", "x\x00y"]) | st.text(max_size=70)
prefixes = st.sampled_from(
    ["10.1.0.0/24", "10.1.0.0/31", "10.1.0.1/32", "0.0.0.0/0", "fd00:1::/64", "::/0", "::1/128"]
)
interfaces = st.sampled_from(
    ["10.1.0.1/24", "10.9.0.1/24", "fd00:1::1/64", "0.0.0.0/0", "10.1.0.1", "", "x"]
)
labels = st.sampled_from(
    [
        LABEL + "generic",
        LABEL + "enable_ipv4",
        LABEL + "enable_ipv6",
        LABEL + "internal",
        LABEL + "portmap",
        LABEL + "endpoint.exposedports",
        LABEL + "endpoint.macaddress",
        "mtu",
    ]
)
generic = st.dictionaries(
    st.sampled_from(["mode", "mtu", "bridge_name", "masquerade", "host_binding", "iface_prefix"]),
    st.sampled_from(["bridge", "1400", "true", "br0", "10.0.0.1", "x" * 20, ""]) | json_values,
    max_size=3,
)
ports = st.lists(
    st.fixed_dictionaries(
        {"Proto": st.sampled_from([6, 17, 132, -1]), "Port": st.integers(-1, 65536)},
        optional={
            "HostIP": st.sampled_from(["", "127.0.0.1", "::1", "198.51.100.1", "x"]),
            "HostPort": st.integers(-1, 65536),
            "HostPortEnd": st.integers(-1, 65536),
        },
    ),
    max_size=3,
)
options = st.none() | st.dictionaries(labels, json_values | generic | ports, max_size=4)
subnets = st.none() | st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "AddressSpace": st.text(max_size=5),
            "Pool": prefixes,
            "Gateway": st.none() | interfaces,
            "AuxAddresses": st.none()
            | st.dictionaries(st.text(max_size=5), interfaces, max_size=2),
        },
    ),
    max_size=2,
)
KEYS: dict[str, st.SearchStrategy[Any]] = {
    "NetworkID": ids,
    "EndpointID": ids,
    "SandboxKey": st.sampled_from(["/x", ""]),
    "Options": options,
    "IPv4Data": subnets,
    "IPv6Data": subnets,
    "Interface": st.none()
    | st.fixed_dictionaries(
        {},
        optional={
            "Address": interfaces,
            "AddressIPv6": interfaces,
            "MacAddress": st.sampled_from(["", "02:42:0a:00:00:02", "ff:ff:ff:ff:ff:ff", "x"]),
        },
    ),
    "AddressSpace": st.sampled_from(["pynet-local", "pynet-global", "", "x"]),
    "Pool": st.just("") | prefixes,
    "SubPool": st.just("") | prefixes,
    "V6": st.booleans(),
    "PoolID": st.sampled_from(["", "x", "pynet-local/10.1.0.0/24"]) | st.text(max_size=30),
    "Address": st.sampled_from(["", "10.1.0.9", "fd00:1::9", "10.1.0.9/24", "x"]),
    "DiscoveryType": st.integers(-1, 3),
    "DiscoveryData": json_values,
}
messages = st.fixed_dictionaries(
    {}, optional={name: values | json_values for name, values in KEYS.items()}
)
sane_messages = st.fixed_dictionaries({}, optional=KEYS)
