"""Run in the emulator's environment: two calls of a function that writes two lines, while the
thread that reads its log is late, as on a busy machine. Prints the log of each call, as JSON.
With --as-it-comes, MiniStack is not changed, and the thread waits for the first call to end.

python -m tests.e2e.late_lines [--as-it-comes]
"""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
import types
import zipfile
from typing import Any

from ministack.core import lambda_runtime

from local import emulator

CHANGED = "--as-it-comes" not in sys.argv

LATE_SECONDS = 0.1 if CHANGED else 60.0
"""MiniStack waits 0.05 s for a first line, and 0.005 s for each one after it."""

ENDED = threading.Event()
"""The first call has."""

SOURCE = """
def handler(event, context):
    print("first of", event["call"])
    print("second of", event["call"])
    return {}
"""

CONFIG = {
    "FunctionName": "late",
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:late",
    "Runtime": "python3.11",
    "Handler": "main.handler",
    "Timeout": 30,
}


class Late(queue.Queue[Any]):
    """Everything arrives late."""

    def put(self, *given: Any, **more: Any) -> None:
        ENDED.wait(LATE_SECONDS)
        super().put(*given, **more)


def archive() -> bytes:
    """The function as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        bundle.writestr("main.py", SOURCE)
    return packed.getvalue()


if __name__ == "__main__":
    lambda_runtime.queue = types.SimpleNamespace(Queue=Late, Empty=queue.Empty)
    if CHANGED:
        emulator.complete_logs()
    worker = lambda_runtime.Worker("late", CONFIG, archive())
    first = worker.invoke({"call": 1}, "request-1")["log"]
    ENDED.set()
    print(json.dumps([first, worker.invoke({"call": 2}, "request-2")["log"]]))
    worker.kill()
