"""etcd's revisions, transactions, leases and users, in memory."""

import base64
import time
from dataclasses import dataclass, field
from threading import Condition
from typing import Any


@dataclass(slots=True)
class Version:
    """A key from one revision on; without a value once it is deleted."""

    mod: int
    created: int = 0
    version: int = 0
    value: bytes | None = None
    lease: int = 0


class RefusalError(Exception):
    """gRPC's code, and etcd's text."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.status = status


@dataclass(slots=True)
class EtcdStore:
    """What the members agree on."""

    revision: int = 1
    compacted: int = 0
    keys: dict[bytes, list[Version]] = field(default_factory=dict)
    leases: dict[int, tuple[float, int]] = field(default_factory=dict)  # end, seconds
    users: dict[str, str] = field(default_factory=dict)  # empty: nobody has to say who they are
    tokens: set[str] = field(default_factory=set)
    changed: Condition = field(default_factory=Condition)

    def range(self, asked: dict[str, Any]) -> dict[str, Any]:
        at = int(asked.get("revision", 0)) or self.revision
        if at < self.compacted:
            raise RefusalError(11, "etcdserver: mvcc: required revision has been compacted")
        found = []
        for key in self._within(asked):
            versions = [each for each in self.keys[key] if each.mod <= at]
            if versions and versions[-1].value is not None:
                found.append((key, versions[-1]))
        if asked.get("sort_target") == "MOD":
            found.sort(key=lambda each: -each[1].mod)
        limit = int(asked.get("limit", 0)) or len(found)
        kvs = [] if asked.get("count_only") else found[:limit]
        answer = {
            "kvs": [_key_value(*each, keys_only=asked.get("keys_only", False)) for each in kvs],
            "count": str(len(found)),
            "more": bool(kvs) and len(found) > limit,
        }
        return {"header": self.header(), **{name: value for name, value in answer.items() if value}}

    def put(self, asked: dict[str, Any]) -> dict[str, Any]:
        lease = int(asked.get("lease", 0))
        if lease and lease not in self.leases:
            raise RefusalError(5, "etcdserver: requested lease not found", 404)
        self.revision += 1
        self._put(asked, lease)
        return {"header": self.header()}

    def delete(self, asked: dict[str, Any]) -> dict[str, Any]:
        live = [key for key in self._within(asked) if self.keys[key][-1].value is not None]
        if live:
            self.revision += 1
            self._delete(live)
        answer = {"deleted": str(len(live))} if live else {}
        return {"header": self.header(), **answer}

    def txn(self, asked: dict[str, Any]) -> dict[str, Any]:
        holds = all(map(self._holds, asked["compare"]))
        operations = asked["success" if holds else "failure"]
        if len(operations) > 128:
            raise RefusalError(3, "etcdserver: too many operations in txn request")
        writes = [each for each in operations if "request_range" not in each]
        self.revision += bool(writes)
        responses = []
        for operation in operations:
            ((kind, request),) = operation.items()
            if kind == "request_range":
                responses.append({"response_range": self.range(request)})
            elif kind == "request_put":
                self._put(request, int(request.get("lease", 0)))
                responses.append({"response_put": {"header": {"revision": str(self.revision)}}})
            else:
                self._delete(
                    [key for key in self._within(request) if self.keys[key][-1].value is not None]
                )
                responses.append({"response_delete_range": {"header": {}}})
        answer = {"succeeded": True} if holds else {}
        return {"header": self.header(), **answer, "responses": responses}

    def grant(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = max(self.leases, default=7587000000000000000) + 1
        seconds = int(asked["TTL"])
        self.leases[number] = time.monotonic() + seconds, seconds
        return {"header": self.header(), "ID": str(number), "TTL": str(seconds)}

    def keep_alive(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.expire()
        number = int(asked["ID"])
        answer = {"header": self.header(), "ID": str(number)}
        if number in self.leases:
            seconds = self.leases[number][1]
            self.leases[number] = time.monotonic() + seconds, seconds
            answer["TTL"] = str(seconds)
        return {"result": answer}

    def revoke(self, asked: dict[str, Any]) -> dict[str, Any]:
        number = int(asked["ID"])
        if number not in self.leases:
            raise RefusalError(5, "etcdserver: requested lease not found", 404)
        self._end_lease(number)
        return {"header": self.header()}

    def authenticate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if not self.users:
            raise RefusalError(9, "etcdserver: authentication is not enabled")
        if self.users.get(asked["name"]) != asked["password"]:
            raise RefusalError(3, "etcdserver: authentication failed, invalid user ID or password")
        token = f"token.{self.revision}.{time.monotonic_ns()}"
        self.tokens.add(token)
        return {"header": self.header(), "token": token}

    def compact(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.compacted = int(asked["revision"])
        return {"header": self.header()}

    def check_token(self, token: str | None) -> None:
        if self.users and not token:
            raise RefusalError(3, "etcdserver: user name is empty")
        if self.users and token not in self.tokens:
            raise RefusalError(16, "etcdserver: invalid auth token", 401)

    def expire(self) -> None:
        for number in [n for n, (end, _) in self.leases.items() if end < time.monotonic()]:
            self._end_lease(number)

    def events(self, asked: dict[str, Any], start: int) -> list[dict[str, Any]]:
        """What happened from the revision on, in order."""
        found = [
            (version.mod, key, version)
            for key in self._within(asked)
            for version in self.keys[key]
            if version.mod >= start
        ]
        return [
            {
                "kv": _key_value(key, version),
                **({"type": "DELETE"} if version.value is None else {}),
            }
            for _, key, version in sorted(found, key=lambda each: each[:2])
        ]

    def header(self) -> dict[str, str]:
        return {"cluster_id": "14841639068965178418", "revision": str(self.revision)}

    def _put(self, asked: dict[str, Any], lease: int) -> None:
        key = base64.b64decode(asked["key"])
        versions = self.keys.setdefault(key, [])
        old = versions[-1] if versions and versions[-1].value is not None else None
        versions.append(
            Version(
                mod=self.revision,
                created=old.created if old else self.revision,
                version=old.version + 1 if old else 1,
                value=base64.b64decode(asked.get("value", "")),
                lease=lease,
            )
        )

    def _delete(self, live: list[bytes]) -> None:
        for key in live:
            self.keys[key].append(Version(mod=self.revision))

    def _end_lease(self, number: int) -> None:
        del self.leases[number]
        live = [
            key
            for key, versions in self.keys.items()
            if versions[-1].value is not None and versions[-1].lease == number
        ]
        self.revision += bool(live)
        self._delete(live)

    def _within(self, asked: dict[str, Any]) -> list[bytes]:
        key = base64.b64decode(asked["key"])
        end = base64.b64decode(asked.get("range_end", ""))
        if not end:
            return [key] if key in self.keys else []
        return sorted(each for each in self.keys if key <= each and (end == b"\x00" or each < end))

    def _holds(self, compare: dict[str, Any]) -> bool:
        found = self.keys.get(base64.b64decode(compare["key"]), [Version(mod=0)])[-1]
        there = found.value is not None
        match compare["target"]:
            case "CREATE":
                return (found.created if there else 0) == int(compare["create_revision"])
            case "MOD":
                return (found.mod if there else 0) == int(compare["mod_revision"])
            case _:
                return found.value == base64.b64decode(compare["value"])


def _key_value(key: bytes, version: Version, *, keys_only: bool = False) -> dict[str, str]:
    """Without what is zero, as the gateway leaves it out."""
    fields = {
        "key": base64.b64encode(key).decode(),
        "create_revision": str(version.created),
        "mod_revision": str(version.mod),
        "version": str(version.version),
        "value": "" if keys_only else base64.b64encode(version.value or b"").decode(),
        "lease": str(version.lease),
    }
    return {name: value for name, value in fields.items() if value not in ("", "0")}
