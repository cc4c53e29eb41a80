"""CPU time of a warm hit: the whole handler, logs and metrics included, apart from its one read."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from local.bench import sample
from local.bench.ground import Ground
from local.template import ROOT

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Warm:
    """CPU seconds of each hit."""

    own: list[float]
    read: list[float]


def load() -> ModuleType:
    """The function's handler, as Lambda loads it."""
    path = ROOT / "functions" / "token" / "handler.py"
    spec = importlib.util.spec_from_file_location("bench_token_handler", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def warm(ground: Ground, count: int) -> Warm:
    """So many warm hits of one environment."""
    now = int(time.time())
    ground.add("hit", now + 3500, now + 2000)
    module = load()
    table: Any = module.STEP.connections._table
    real, reading = table.client.get_item, [0.0]

    def get_item(**arguments: Any) -> Any:
        begun = time.thread_time()
        answer = real(**arguments)
        reading[0] += time.thread_time() - begun
        return answer

    found = Warm([], [])
    event = sample.event("hit")
    table.client.get_item = get_item
    try:
        with _silence():
            for number in range(count + 20):
                reading[0] = 0.0
                begun = time.thread_time()
                answer: Answer = module.handler(event, None)
                spent = time.thread_time() - begun
                assert answer["statusCode"] == 200, answer
                if number >= 20:  # the first ones open, write the usage, and warm caches
                    found.own.append(spent - reading[0])
                    found.read.append(reading[0])
    finally:
        table.client.get_item = real
        gc.unfreeze()
    return found


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Standard output to nowhere, at the level of the file: the logger holds the stream."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
