"""What the admin socket answers about events, differences and drops, as types."""

from plugin.admin.answers import Answer, Count, EndpointId, NetworkId, Stamp


class Event(Answer):
    """Something that the plugin did, repaired or refused."""

    number: Count
    at: Stamp
    level: str
    event: str
    fields: dict[str, str]


class Events(Answer):
    """Events after a number; ``run`` is another after a restart, where numbers begin again."""

    run: str
    events: list[Event]


class Rules(Answer):
    """The tables of nftables without elements, as nft reads them."""

    nft: str


class Difference(Answer):
    """One thing that is not as it should be; ``network`` has twelve digits, or is empty."""

    network: str
    kind: str
    which: str
    fault: str


class Differences(Answer):
    """What the last comparison found; ``at`` is null before the first."""

    at: Stamp | None
    failure: str
    rows: list[Difference]


class Repair(Answer):
    """What was repaired, and what could not be."""

    repaired: list[Difference]
    left: list[Difference]


class LoosePool(Answer):
    """A pool that no network uses."""

    id: str
    prefix: str


class Garbage(Answer):
    """What can be removed, and what identifies the engine that pynet serves."""

    rows: list[Difference]
    networks: list[NetworkId]
    prefixes: list[str]
    idle: list[NetworkId]
    pools: list[LoosePool]


class Collection(Answer):
    """What to remove: rows as /v1/garbage has them, and ids of networks and pools that Docker forgot."""

    rows: list[Difference]
    forgotten: list[str]


class Reason(Answer):
    """Why packets were dropped, and what to do about it."""

    reason: str
    packets: Count
    what: str
    remedy: str


class Guarded(Answer):
    """A container whose frames were dropped lately."""

    network: NetworkId
    endpoint: EndpointId
    addresses: list[str]
    packets: Count


class Drops(Answer):
    """What the firewall has dropped."""

    reasons: list[Reason]
    guarded: list[Guarded]
