"""The figures of one run as a table for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def show(found: dict[str, Any]) -> Iterator[str]:
    """Line by line."""
    machine = found["machine"]
    before, after = machine["load_before"][0], machine["load_after"][0]
    yield ""
    yield (
        f"{machine['time']} UTC, {machine['cores']} cores, Python {machine['python']}, "
        f"load {before:.1f} before and {after:.1f} after"
    )
    for title, rows in (
        ("Calls (counted on the wire; over the emulator)", _calls(found)),
        ("CPU time of a fetch that finds a valid token, ms (median)", _hits(found)),
        (
            "Cold start of the token function (fresh processes, built layers, canned AWS)",
            _cold(found),
        ),
        ("What imports cost, ms (least of 3 runs, by package)", _imports(found)),
        ("Callers at one expired token (Microsoft takes 0.3 s)", _crowd(found)),
        ("Redemptions by 100 callers that meet one expired token", _others(found)),
        ("The agent's cached answer, one connection, one request after the other", _agent(found)),
        ("Everything is due", _rotation(found)),
        ("Cost by list prices, dollars", _costs(found)),
    ):
        yield ""
        yield title
        yield from _columns(list(rows))


def _columns(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  " + "  ".join(cells).rstrip()


def _calls(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for path, calls in found["calls"].items():
        yield path, ", ".join(f"{count} {name}" for name, count in calls.items())


def _hits(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    own, read = found["hit"]["own"]["median"], found["hit"]["read"]["median"]
    yield "this broker, apart from its one read", f"{own * 1000:.3f}", "1.0"
    yield "  its one read (botocore)", f"{read * 1000:.3f}", f"{read / own:.1f}"
    for name, spent in found["others"]["warm"].items():
        yield name, f"{spent['median'] * 1000:.3f}", f"{spent['median'] / own:.3g}"


def _cold(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield "program", "CPU ms", "wall ms", "of the floor", "of the floor without collection"
    for name, spent in found["cold"]["programs"].items():
        cpu, wall = f"{spent['cpu'] * 1000:.0f}", f"{spent['wall'] * 1000:.0f}"
        yield name, cpu, wall, f"{spent['ratio']:.2f}", f"{spent['ratio_tuned']:.2f}"


def _imports(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    floor, ours = found["cold"]["imports_microseconds"].values()
    yield "package", "floor", "token"
    for name in sorted({*floor, *ours}, key=lambda name: -ours.get(name, 0)):
        yield name, f"{floor.get(name, 0) / 1000:.1f}", f"{ours.get(name, 0) / 1000:.1f}"


def _crowd(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield (
        *("callers", "over", "redemptions", "answered", "503 first", "DynamoDB calls each", "most"),
        *("p50 s", "p95 s", "p99 s"),
    )
    for one in found["crowd"]:
        calls = one["calls"]
        numbers = [one["redemptions"], one["answered"], one["again"]]
        numbers += [round(sum(calls) / len(calls), 1), max(calls)]
        waits = [f"{one[part]:.2f}" for part in ("p50", "p95", "p99")]
        yield f"{one['callers']:,}", one["substrate"], *map(str, numbers), *waits


def _others(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    ours = next(one for one in found["crowd"] if one["callers"] == 100)
    yield "this broker", str(ours["redemptions"])
    for name, count in found["others"]["redemptions"].items():
        yield name, str(count)


def _rotation(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    yield (
        *("connections", "over", "workers", "Microsoft s", "a second", "ideal", "ratio"),
        *("own ms each", "orders", "redemptions", "left"),
    )
    for run in found["rotation"]:
        yield (
            f"{run['connections']:,}",
            run["substrate"],
            str(run["workers"]),
            f"{run['latency']:.1f}",
            f"{run['throughput']:.1f}",
            f"{run['ideal']:.1f}",
            f"{run['ratio']:.2f}",
            f"{run['overhead'] * 1000:.0f}",
            *(str(run[name]) for name in ("orders", "redemptions", "left")),
        )


def _agent(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    seen = found["agent"]
    yield "", "CPU ms", "requests a second", "of hello's CPU"
    for kind, ratio in (("hello", 1.0), ("agent", seen["ratio"])):
        yield kind, f"{seen[kind]['cpu'] * 1000:.3f}", f"{seen[kind]['rate']:.0f}", f"{ratio:.2f}"
    memory = seen["memory"]
    for part, when in (("early", memory["requests"] // 10), ("late", memory["requests"])):
        yield f"memory after {when:,} requests", f"{memory[part]:.1f} MB", "", ""


def _costs(found: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, parts in found["costs"].items():
        detail = ", ".join(f"{part} {dollars:.3g}" for part, dollars in parts.items() if dollars)
        yield name, f"{sum(parts.values()):.4g}", detail
