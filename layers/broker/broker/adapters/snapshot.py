"""Lambda SnapStart: an environment that starts as a copy of a snapshot of another one.

What a copy may not share with its siblings is made anew when it is restored: connections, which
are the snapshot's, and the seed of `random` (jitter would be the same everywhere). `secrets` and
`uuid4` ask the operating system each time, and nothing here remembers the time of a snapshot:
clients' credentials, secrets and sessions have ages by the wall clock.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

from __future__ import annotations

import os
import random

from broker.adapters import clients


def prepare() -> None:
    """Have each copy renewed, if this environment is to be a snapshot."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        # Of Lambda's Python runtime: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
        from snapshot_restore_py import (  # type: ignore[import-not-found]
            register_after_restore,
        )

        register_after_restore(renew)


def renew() -> None:
    """What a copy needs of its own."""
    random.seed()
    clients.forget_connections()
