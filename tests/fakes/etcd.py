"""etcd in memory, behind a JSON gateway of HTTP.  What it keeps is in ``etcd_store.py``.

Members share one store.  Only what etcdgw says is understood; what is answered has the form in which
etcd 3.4 was seen to answer.  The contract suite runs on it and on etcd itself.
"""

import json
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from tests.fakes.etcd_store import EtcdStore, RefusalError


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
        """Write it in two chunks: a client that takes a chunk for a message fails."""
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
