"""``python -m local.simulator --port 8400``: run the platform in the foreground.

Each option's default comes from the environment: IDENTITY_PORT, CLIENT_ID, CLIENT_SECRET,
REDIRECT_URI, and the last three with GOOGLE_. Secrets are best given there: a command line is
visible to every process.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

from .server import Server
from .world import GoogleRegistration, Registration


def main() -> None:
    """Parse, start, say where, serve."""
    options = _options()
    default = Registration()
    registration = Registration(
        client_id=(options.client_id or default.client_id).lower(),
        client_secret=options.client_secret or default.client_secret,
        redirect_uris=tuple(options.redirect_uri) or default.redirect_uris,
        audience=options.audience,
    )
    server = Server(
        options.port,
        options.host,
        public_url=options.public_url,
        registration=registration,
        google_url=options.google_public_url,
        google=_google(options),
    )
    signal.signal(signal.SIGTERM, _stop)
    if options.state_file:
        _write(options.state_file, server, registration)
    print(f"Simulated Microsoft platform: {server.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _options() -> argparse.Namespace:
    environment = os.environ.get
    parser = argparse.ArgumentParser(prog="python -m local.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=int(environment("IDENTITY_PORT", "8400")))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--public-url", help="the URL the platform calls itself by")
    parser.add_argument("--client-id", default=environment("CLIENT_ID"))
    parser.add_argument("--client-secret", default=environment("CLIENT_SECRET"))
    parser.add_argument("--audience", default=Registration().audience, help="signInAudience")
    uri = environment("REDIRECT_URI")
    parser.add_argument("--redirect-uri", action="append", default=[uri] if uri else [])
    first = GoogleRegistration()
    parser.add_argument("--google-public-url", help="the URL that Google calls itself by")
    parser.add_argument(
        "--google-client-id", default=environment("GOOGLE_CLIENT_ID") or first.client_id
    )
    parser.add_argument(
        "--google-client-secret", default=environment("GOOGLE_CLIENT_SECRET") or first.client_secret
    )
    uri = environment("GOOGLE_REDIRECT_URI")
    parser.add_argument("--google-redirect-uri", action="append", default=[uri] if uri else [])
    parser.add_argument("--state-file", type=Path, help="where to write url, port, pid, client_id")
    return parser.parse_args()


def _google(options: argparse.Namespace) -> GoogleRegistration:
    return GoogleRegistration(
        options.google_client_id,
        options.google_client_secret,
        tuple(options.google_redirect_uri) or GoogleRegistration().redirect_uris,
    )


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


def _write(path: Path, server: Server, registration: Registration) -> None:
    state = {
        "url": server.url,
        "google_url": server.google_url,
        "port": server.port,
        "pid": os.getpid(),
    }
    state["client_id"] = registration.client_id
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(state) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
