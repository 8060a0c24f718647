"""etcd in memory: its revisions, transactions, leases and users, behind a JSON gateway of HTTP.

Members share one store.  Only what etcdgw says is understood; what is answered has the form in which
etcd 3.4 was seen to answer.  The contract suite runs on it and on etcd itself.
"""

import base64
import json
import time
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any, Final


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
        doomed = [key for key in self._within(asked) if self.keys[key][-1].value is not None]
        if doomed:
            self.revision += 1
            self._delete(doomed)
        answer = {"deleted": str(len(doomed))} if doomed else {}
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

    def _delete(self, doomed: list[bytes]) -> None:
        for key in doomed:
            self.keys[key].append(Version(mod=self.revision))

    def _end_lease(self, number: int) -> None:
        del self.leases[number]
        doomed = [
            key
            for key, versions in self.keys.items()
            if versions[-1].value is not None and versions[-1].lease == number
        ]
        self.revision += bool(doomed)
        self._delete(doomed)

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


class FakeMember:
    """One gateway on the store, on a port of its own."""

    def __init__(self, store: EtcdStore) -> None:
        self.store = store
        self.has_leader = True
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.member = self
        Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return self.server.server_port

    def has_news(self, asked: dict[str, Any], start: int) -> bool:
        """Whether a watch has something to tell, if only its end."""
        return not self.has_leader or bool(self.store.events(asked, start))

    def check_leader(self) -> None:
        if not self.has_leader:
            raise RefusalError(14, "etcdserver: no leader", 503)

    def close(self) -> None:
        self.has_leader = False
        with self.store.changed:
            self.store.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    member: FakeMember

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Nothing."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        member, store = self.server.member, self.server.member.store
        needs_leader = not asked.get("serializable")
        try:
            if needs_leader:
                member.check_leader()
            if self.path != "/v3/auth/authenticate":
                store.check_token(self.headers["Authorization"])
            if self.path == "/v3/watch":
                self._watch(asked["create_request"])
                return
            with store.changed:
                store.expire()
                answer = _ANSWERS[self.path](store, asked)
                store.changed.notify_all()
            self._send(200, answer)
        except RefusalError as error:
            self._send(
                error.status, {"error": str(error), "message": str(error), "code": error.code}
            )

    def _watch(self, asked: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        member, store = self.server.member, self.server.member.store
        start = int(asked["start_revision"])
        self._line({"result": {"header": store.header(), "created": True}})
        if start < store.compacted:
            lost = {"canceled": True, "compact_revision": str(store.compacted)}
            self._line({"result": {"header": store.header(), **lost}})
            self.close_connection = True
            return
        while True:
            with store.changed:
                store.changed.wait_for(partial(member.has_news, asked, start), timeout=1.0)
                store.expire()
                events = store.events(asked, start)
                header = store.header()
            if not member.has_leader:
                self._line(
                    {
                        "error": {
                            "grpc_code": 14,
                            "http_code": 503,
                            "message": "etcdserver: no leader",
                            "http_status": "Service Unavailable",
                        }
                    }
                )
                self.close_connection = True
                return
            if events:
                start = int(events[-1]["kv"]["mod_revision"]) + 1
                self._line({"result": {"header": header, "events": events}})

    def _line(self, message: dict[str, Any]) -> None:
        """In two chunks: whoever takes a chunk for a message is found out."""
        line = json.dumps(message).encode() + b"\n"
        for piece in (line[:7], line[7:]):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()

    def _send(self, status: int, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


_ANSWERS: Final = {
    "/v3/kv/range": EtcdStore.range,
    "/v3/kv/put": EtcdStore.put,
    "/v3/kv/deleterange": EtcdStore.delete,
    "/v3/kv/txn": EtcdStore.txn,
    "/v3/kv/compaction": EtcdStore.compact,
    "/v3/lease/grant": EtcdStore.grant,
    "/v3/lease/keepalive": EtcdStore.keep_alive,
    "/v3/lease/revoke": EtcdStore.revoke,
    "/v3/auth/authenticate": EtcdStore.authenticate,
}


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
