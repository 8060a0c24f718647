"""What the admin socket answers, as types: the API's description is made of them.

Answers themselves are plain data, made in ``plugin.operator``; a test holds each against its type here.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType


class Answer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An answer that has these fields and no others."""


Stamp = Annotated[str, msgspec.Meta(description="UTC, as 2026-01-01T00:00:00Z")]
NetworkId = Annotated[str, msgspec.Meta(description="Docker's id of a network")]
EndpointId = Annotated[str, msgspec.Meta(description="Docker's id of an endpoint")]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Refusal(Answer):
    """Why there is no other answer: one sentence of what is wrong, and often one of what to do."""

    error: str


class Condition(Answer):
    """Something that is not well."""

    what: str
    why: str
    remedy: str
    since: Stamp


class Health(Answer):
    """How the plugin is; it is answered from the first second."""

    status: Literal["starting", "ok", "degraded"]
    since: Stamp
    version: str
    degraded: list[Condition]
    hints: list[str]


class Process(Answer):
    """The plugin's process."""

    pid: int
    memory_bytes: Count
    state: str
    state_bytes: Count


class Engine(Answer):
    """Calls of the engine since the start."""

    last_call: Stamp | None
    calls: Count
    failed: Count


class NearlyFull(Answer):
    """A pool that has few addresses left."""

    prefix: str
    network: NetworkId | None
    free: int
    size: Count


class PoolsUse(Answer):
    """All pools together."""

    count: Count
    used: Count
    nearly_full: list[NearlyFull]


class Compared(Answer):
    """The last comparison of the host with what it should hold."""

    at: Stamp
    age_seconds: float
    differences: Count
    failure: str


class Repaired(Answer):
    """Differences that were fixed since the start."""

    count: Count
    last: Stamp | None
    rules_last_hour: Count


class Status(Health):
    """What `pynet status` shows; while the plugin starts, it has the health alone."""

    process: Process | UnsetType = UNSET
    engine: Engine | UnsetType = UNSET
    firewall: str | UnsetType = UNSET
    networks: (
        Annotated[dict[str, Count], msgspec.Meta(description="how many of each mode")] | UnsetType
    ) = UNSET
    endpoints: Count | UnsetType = UNSET
    ports: Count | UnsetType = UNSET
    pools: PoolsUse | UnsetType | None = UNSET
    compared: Compared | UnsetType | None = UNSET
    repaired: Repaired | UnsetType = UNSET
    dropped: (
        Annotated[dict[str, Count], msgspec.Meta(description="packets by reason")] | UnsetType
    ) = UNSET


class Endpoint(Answer):
    """A container on a network; ``sandbox`` is empty until it is joined."""

    id: EndpointId
    mac_address: str
    addresses: list[str]
    sandbox: str
    ports: Count


class Network(Answer):
    """A network with its endpoints."""

    id: NetworkId
    mode: str
    state: str
    internal: bool
    options: dict[str, str]
    subnets: list[str]
    endpoints: list[Endpoint]


class Port(Answer):
    """A published port; ``host`` is empty where the container's own port is opened."""

    network: NetworkId
    endpoint: EndpointId
    protocol: str
    host: str
    host_port: Count
    container: str
    container_port: Count
    served: bool


class Pool(Answer):
    """A pool.  ``size`` and ``free`` are null for pools that are never full."""

    id: str
    prefix: str
    space: str
    tenant: str
    network: NetworkId | None
    size: Count | None
    free: int | None
    addresses: Annotated[dict[str, Count], msgspec.Meta(description="how many in each state")]


class Block(Answer):
    """256 addresses of which some are in use."""

    first: str
    taken: Count


class Cell(Answer):
    """An address that is not free; ``owner`` is empty if none is known."""

    address: str
    state: Literal["gateway", "bound", "reserved", "resting", "kept", "never"]
    owner: str


class Addresses(Answer):
    """The 256 addresses of a pool from ``first`` on; those without a cell are free."""

    pool: str
    prefix: str
    first: str
    size: Count
    blocks: list[Block]
    unlisted: Count
    cells: list[Cell]


class Reservations(Answer):
    """Every reservation, as YAML."""

    yaml: str


class Reserved(Answer):
    """How many were taken; ``note`` says which of them do nothing on this engine."""

    reserved: Count
    note: str


class Unreserved(Answer):
    """How many there were; ``missing`` are addresses of the list that were not reserved."""

    unreserved: Count
    missing: list[str]


class ClusterHost(Answer):
    """A host of the cluster, and how many blocks it has of each pool."""

    id: str
    name: str
    own: bool
    running: bool
    blocks: dict[str, Count]


class ClusterNetwork(Answer):
    """A network that hosts share."""

    subnet: str
    cluster: str
    exclude: str
    gateway: str
    hosts: list[str]


class Cluster(Answer):
    """The hosts that this one shares networks with."""

    hosts: list[ClusterHost]
    networks: list[ClusterNetwork]


class Forgotten(Answer):
    """The host whose blocks were freed."""

    id: str
    name: str
    blocks: Count


class Step(Answer):
    """A command, or none, and why it is there."""

    command: str
    why: str


class Part(Answer):
    """A network, or an endpoint of one, as commands."""

    network: NetworkId
    mode: str
    subnets: list[str]
    endpoint: EndpointId | None
    addresses: list[str]
    steps: list[Step]


class Lease(Answer):
    """A lease of a DHCP server; seconds are null for never."""

    network: NetworkId
    endpoint: str
    name: str
    seat: str
    mac_address: str
    client_id: str
    address: str
    server: str
    state: Literal["held", "resting"]
    renews_in: int | None
    ends_in: int | None
    router: str
    dns: list[str]
    ntp: list[str]
    domain: str
    search: list[str]
