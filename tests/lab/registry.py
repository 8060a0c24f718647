"""A registry with one plugin in it, just enough for the engine to pull it.

`docker plugin upgrade` takes nothing but a registry.  The engine trusts one
on 127.0.0.1 without TLS, so this is served in the host's network namespace.
"""

import gzip
import hashlib
import http.server
import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.lab.netns import inside
from tests.lab.servers import Server, ThreadingTCPServer

PORT: Final = 5000
REFERENCE: Final = f"127.0.0.1:{PORT}/pynet/pynet:next"
MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG: Final = "application/vnd.docker.plugin.v1+json"
LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
CHUNK: Final = 1 << 20


def serve_plugin(netns: Path, plugin: Path, work: Path) -> Server:
    """Serve a plugin's directory (config.json and rootfs) as REFERENCE."""
    layer, diff_id = _layer(plugin / "rootfs", work)
    config = json.loads((plugin / "config.json").read_text())
    config["rootfs"] = {"type": "layers", "diff_ids": [diff_id]}
    config_file = _stored(work, json.dumps(config).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config_file),
        "layers": [_descriptor(LAYER, layer)],
    }
    manifest_file = _stored(work, json.dumps(manifest).encode())

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 0.5  # the engine tries TLS first, and waits 10 s for an answer to it

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            *_, kind, name = self.path.partition("?")[0].split("/")
            file = manifest_file if name == "next" else work / name.replace(":", "-")
            if kind not in {"manifests", "blobs"} or not file.is_file():
                self.send_response(200 if self.path == "/v2/" else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            type_ = MANIFEST if kind == "manifests" else "application/octet-stream"
            self.send_header("Content-Type", type_)
            self.send_header("Content-Length", str(file.stat().st_size))
            self.send_header("Docker-Content-Digest", file.name.replace("-", ":"))
            self.end_headers()
            if body:
                with file.open("rb") as content:
                    shutil.copyfileobj(content, self.wfile, CHUNK)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with inside(netns):
        return Server(ThreadingTCPServer(("127.0.0.1", PORT), Handler))


def _layer(rootfs: Path, work: Path) -> tuple[Path, str]:
    """Pack a root file system; return the file and the digest of its unpacked tar."""
    tar = subprocess.Popen(["tar", "-C", str(rootfs), "-cf", "-", "."], stdout=subprocess.PIPE)
    plain, packed = hashlib.sha256(), work / "layer"
    with tar, gzip.open(packed, "wb", compresslevel=0) as output:
        assert tar.stdout is not None
        while chunk := tar.stdout.read(CHUNK):
            plain.update(chunk)
            output.write(chunk)
    with packed.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return packed.rename(work / f"sha256-{digest}"), f"sha256:{plain.hexdigest()}"


def _stored(work: Path, data: bytes) -> Path:
    file = work / f"sha256-{hashlib.sha256(data).hexdigest()}"
    file.write_bytes(data)
    return file


def _descriptor(kind: str, file: Path) -> dict[str, str | int]:
    digest = file.name.replace("-", ":")
    return {"mediaType": kind, "size": file.stat().st_size, "digest": digest}
