"""``python -m local.simulator.aws_tokens --port 8401 --emulator http://localhost:4566``."""

from __future__ import annotations

import argparse
import contextlib
import signal
from typing import Any

from ..server import Serving
from .emulator import Emulator
from .issuer import Issuer
from .routes import create


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m local.simulator.aws_tokens")
    parser.add_argument("--port", type=int, default=8401)
    parser.add_argument("--emulator", required=True, help="the URL of the AWS emulator")
    options = parser.parse_args()
    issuer = Issuer()
    server = Serving(create(issuer, Emulator(options.emulator)), options.port)
    issuer.url = server.url
    signal.signal(signal.SIGTERM, _stop)
    print(f"AWS token issuer: {server.url}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()


def _stop(*_: Any) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
