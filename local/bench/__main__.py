"""``python -m local.bench``: measures everything in one run, prints it, writes `.local/bench.json`.

`--quick` for a look; `--full` also rotates 10,000 connections over the emulator and asks the agent
a million times (half an hour).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from local import servers
from local.bench import (
    calls,
    cold,
    costs,
    crowd,
    emulated,
    hit,
    host,
    memory,
    others,
    rotation,
    sample,
)
from local.bench.ground import Ground
from local.bench.table import show
from local.template import ROOT

MICROSOFT = 0.3
"""Seconds a redemption takes where callers wait for it."""
CROWDS = (1, 10, 100, 1000)


def main() -> None:
    """Measure, show, write."""
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    quick: bool = given.quick
    found: dict[str, Any] = {"machine": machine(), "quick": quick}
    found["cold"] = starts(5 if quick else 15)
    found["costs"] = {name: bill.parts for name, bill in costs.table().items()}
    found["others"] = {
        "warm": {name: _times(spent) for name, spent in others.warm(100 if quick else 400).items()},
        "redemptions": others.redemptions(100),
    }
    found["agent"] = agent(quick, full=given.full)
    sizes = [(1000, 20, 0.5)] if quick else [(1000, 20, 0.5), (10_000, 50, 0.5)]
    found["rotation"] = [asdict_with(memory.broker(), size) for size in sizes]
    crowds = CROWDS[:3] if quick else CROWDS
    with emulated.broker(_say) as ground:
        found["calls"] = calls.paths(ground)
        found["hit"] = _hit(hit.warm(ground, 200 if quick else 1000))
        found["crowd"] = _crowds(memory.broker, crowds) + _crowds(lambda: ground, crowds)
        sizes = [(60, 20, 2.0)] if quick else [(1000, 20, 2.0)]
        sizes += [(10_000, 20, 2.0)] if given.full else []
        found["rotation"] += [asdict_with(ground, size) for size in sizes]
    found["machine"]["load_after"] = os.getloadavg()
    target = ROOT / ".local" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(found, indent=1))
    print("\n".join(show(found)))


def machine() -> dict[str, Any]:
    """What it ran on, and what else that was doing."""
    return {
        "time": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_before": os.getloadavg(),
    }


def starts(rounds: int) -> dict[str, Any]:
    """Cold starts against the floor, and what each import costs."""
    python = servers.emulator_python()
    with cold.ground(python, json.dumps(sample.event("cold"))) as environment:
        _say("Cold starts ...")
        times = cold.race(python, environment, cold.PROGRAMS, rounds)
        imports = {
            name: dict(cold.costs(python, environment, cold.PROGRAMS[name], 3))
            for name in ("floor", "import handler")
        }
    return {
        "programs": {
            name: {
                "cpu": statistics.median(spent.cpu),
                "wall": statistics.median(spent.wall),
                "ratio": cold.ratio(times, name),
                "ratio_tuned": cold.ratio(times, name, "floor, no garbage collection"),
            }
            for name, spent in times.items()
        },
        "imports_microseconds": imports,
    }


def agent(quick: bool, *, full: bool) -> dict[str, Any]:
    """The agent's cached answer beside the same server's hello, and its memory after many."""
    _say("The agent ...")
    many = 1_000_000 if full else 5000 if quick else 50_000
    return {**host.compare(5, 500 if quick else 3000), "memory": host.endure(many)}


def asdict_with(ground: Ground, size: tuple[int, int, float]) -> dict[str, Any]:
    """One rotation, with what it comes to."""
    connections, workers, latency = size
    _say(f"Rotating {connections:,} connections over {ground.substrate} ...")
    run = rotation.run(ground, connections, workers, latency)
    return {
        **asdict(run),
        "throughput": run.throughput,
        "ideal": run.ideal,
        "ratio": run.throughput / run.ideal,
        "overhead": workers / run.throughput - latency,
    }


def _hit(spent: hit.Warm) -> dict[str, Any]:
    return {"own": _times(spent.own), "read": _times(spent.read)}


def _crowds(make: Callable[[], Ground], sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    found = []
    for callers in sizes:
        ground = make()
        _say(f"{callers:,} callers at an expired token over {ground.substrate} ...")
        seen = crowd.gather(ground, callers, MICROSOFT)
        waits = {f"p{part}": round(seen.latency(part), 3) for part in (50, 95, 99)}
        plain = {**asdict(seen), "latencies": sorted(round(each, 3) for each in seen.latencies)}
        found.append({"substrate": ground.substrate, "microsoft": MICROSOFT, **plain, **waits})
    return found


def _times(spent: list[float]) -> dict[str, float]:
    return {"median": statistics.median(spent), "min": min(spent), "count": len(spent)}


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
