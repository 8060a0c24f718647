"""A client of etcd over its JSON gateway, with the standard library's HTTP.

It stands alone, as ipam does: ``Client(Settings(members=parse_members("http://10.0.0.1:2379")))``.
It needs etcd 3.4 or later.  Nothing happens at import or before the first call: no thread, no connection.
"""

from etcdgw.client import Client, Outcome
from etcdgw.errors import (
    AccessError,
    CompactedError,
    EtcdError,
    InvalidSettingError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from etcdgw.messages import (
    Compare,
    Delete,
    Event,
    EventType,
    Get,
    KeyValue,
    Listing,
    Operation,
    Put,
    absent,
    has_value,
    prefix_end,
    unchanged,
)
from etcdgw.settings import Credentials, Member, Settings, Tls, parse_members
from etcdgw.watch import Changed, Found, Listed, Lost, News, Watch

__all__ = [
    "AccessError",
    "Changed",
    "Client",
    "CompactedError",
    "Compare",
    "Credentials",
    "Delete",
    "EtcdError",
    "Event",
    "EventType",
    "Found",
    "Get",
    "InvalidSettingError",
    "KeyValue",
    "Listed",
    "Listing",
    "Lost",
    "Member",
    "News",
    "Operation",
    "Outcome",
    "Put",
    "RefusedError",
    "Settings",
    "Tls",
    "UnavailableError",
    "UnknownOutcomeError",
    "Watch",
    "absent",
    "has_value",
    "parse_members",
    "prefix_end",
    "unchanged",
]
