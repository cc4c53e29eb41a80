"""DynamoDB and KMS that always give the same answer, so that nothing of theirs is measured."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from broker.adapters.dynamodb.codec import wrap
from broker.domain.connection import Connection
from local.bench.sample import OneKey


@contextmanager
def serve(connection: Connection, keys: OneKey) -> Iterator[str]:
    """The URL of a server that knows one connection and one data key."""
    item = json.dumps({"Item": wrap(connection)["M"]}, default=_base64).encode()
    plain = {"Plaintext": _base64(keys.plain), "KeyId": "key"}
    answers = {
        "DynamoDB_20120810.GetItem": item,
        "DynamoDB_20120810.UpdateItem": b"{}",
        "TrentService.Decrypt": json.dumps(plain).encode(),
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = answers[self.headers["X-Amz-Target"]]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (as above)
            """Silence."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
