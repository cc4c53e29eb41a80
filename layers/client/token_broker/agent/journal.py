"""What is logged, field by field: never a header, a token or a query as it came.

JSON lines for a service; plain lines for `run --verbose`, whose reader is a person.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TextIO

from token_broker.agent.request import brief

FIELDS = (
    *("event", "route", "resource", "client_id", "connection", "status", "code", "correlation_id"),
    *("milliseconds", "expires_in", "library", "endpoint", "secret_file", "detail"),
)
"""Everything that may stand in a line, in this order."""

Value = str | int | float | None


class Journal:
    """Writes lines. `every`: also the answers that went well. `stream` None: nothing at all."""

    def __init__(self, stream: TextIO | None, *, every: bool = False, plainly: bool = False):
        self._stream = stream
        self._plainly = plainly
        self.every = every

    def note(self, event: str, **fields: Value) -> None:
        """One line. Unknown fields are a mistake of this program: KeyError."""
        if self._stream is None:
            return
        unknown = fields.keys() - set(FIELDS)
        if unknown:
            raise KeyError(*unknown)
        values = {"event": event, **fields}
        shown = {name: _value(values[name]) for name in FIELDS if values.get(name) is not None}
        line = _sentence(shown) if self._plainly else _json(shown)
        self._stream.write(line + "\n")
        self._stream.flush()


def _value(value: Value) -> Value:
    return brief(value, 500) if isinstance(value, str) else value


def _json(shown: Mapping[str, Value]) -> str:
    now = time.time()
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1000):03}Z"
    return json.dumps({"time": moment, **shown})


def _sentence(shown: Mapping[str, Value]) -> str:
    words = [f"{name}={value}" for name, value in shown.items() if name != "event"]
    return f"token-broker: {' '.join([str(shown['event']), *words])}"
