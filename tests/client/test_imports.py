"""The client adds little to what a job imports anyway."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CLIENT = Path(__file__).parents[2] / "layers" / "client"

PROBE = """
import time
begun = time.process_time()
{statement}
print(time.process_time() - begun)
"""

LAZY = [
    *["asyncio", "boto3", "botocore.session", "botocore.auth", "httpx", "azure", "bingads"],
    *["token_broker.aio", "token_broker.azure", "token_broker.bingads", "token_broker.httpx"],
]
RUNS = 12


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": str(CLIENT), "PYTHONHASHSEED": "0"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have their byte code
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    return done.stdout


def test_nothing_heavy_is_imported() -> None:
    code = f"import sys, token_broker\nprint([m for m in {LAZY!r} if m in sys.modules])"
    assert python(code).strip() == "[]"


def test_import_time() -> None:
    """At most 1.2 times `import requests, botocore`: CPU time, the best of alternating runs, for
    noise only ever adds."""
    base = PROBE.format(statement="import requests, botocore")
    client = PROBE.format(statement="import requests, botocore, token_broker")
    runs: list[tuple[float, float]] = []
    alone, both = 1.0, float("inf")
    while both > 1.2 * alone and len(runs) < 4 * RUNS:
        runs += [(float(python(base)), float(python(client))) for _ in range(RUNS)]
        alone, both = (min(times) for times in zip(*runs, strict=True))
    print(f"requests and botocore {alone:.4f} s, with token_broker {both:.4f} s")
    assert both <= 1.2 * alone


def test_the_public_names_are_there() -> None:
    code = "from token_broker import *\nprint(AsyncTokenBroker.__name__, TokenBroker.__name__)"
    assert python(code).split() == ["AsyncTokenBroker", "TokenBroker"]
