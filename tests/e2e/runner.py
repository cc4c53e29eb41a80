"""Runs a built function on events, with nothing on its path but what was built.

python -I -S runner.py JOB: JOB is a JSON file {"path": [...], "events": [...], "answers": file}.
For each event it writes {"answer", "requests"}: the handler's answer, and every AWS request the
function sent meanwhile.
"""

from __future__ import annotations

import importlib
import json
import sys
import types
from pathlib import Path
from typing import Any

CONTEXT = types.SimpleNamespace(
    function_name="function",
    aws_request_id="00000000-0000-4000-8000-000000000000",
    get_remaining_time_in_millis=lambda: 20_000,
)


def main(job: dict[str, Any]) -> None:
    """Import the handler, then one event after the other."""
    # Not the folder this file lies in: `handler` must come from the artifact.
    sys.path[:1] = job["path"]
    requests = watch()
    handler = importlib.import_module("handler").handler
    found = []
    for event in job["events"]:
        requests.clear()
        found.append({"answer": handler(event, CONTEXT), "requests": list(requests)})
    loaded = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    Path(job["answers"]).write_text(
        json.dumps({"found": found, "loaded": sorted(filter(None, loaded))})
    )


def watch() -> list[str]:
    """What is sent to AWS, as it is sent: 'DynamoDB_20120810.GetItem {...}' or 'POST /path'."""
    session = importlib.import_module("botocore.httpsession").URLLib3Session
    sent: list[str] = []
    send = session.send

    def noted(self: Any, request: Any) -> Any:
        target = request.headers.get("X-Amz-Target")
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        sent.append(f"{_text(target)} {body}" if target else f"{request.method} {request.url}")
        return send(self, request)

    session.send = noted
    return sent


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
