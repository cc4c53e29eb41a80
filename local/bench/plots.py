"""Draws docs/plots/*.svg from `.local/bench.json` and `.local/simulation.json`, those there are.

Each picture's title says in words what it shows; this broker is dark, all else light; bars carry
their values, and colours are named by text in them, so that no legend is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "token-broker"  # the same figures give the same files
mpl.rcParams["axes.spines.top"] = mpl.rcParams["axes.spines.right"] = False

from matplotlib import pyplot as plt  # noqa: E402 (the backend is chosen first)

ROOT = Path(__file__).resolve().parents[2]
INTO = ROOT / "docs" / "plots"

OURS, READ, OTHERS, TROUBLE = "#0b5394", "#9fc5e8", "#b7b7b7", "#cc4125"
"""This broker; what AWS's library takes for it; everybody else; trouble."""
SMALL: dict[str, Any] = {"fontsize": 8}
OWN, ONE_READ = "this broker", "its one read of DynamoDB"


def main() -> None:
    """Draw what can be drawn."""
    INTO.mkdir(exist_ok=True)
    bench, simulation = (_read(name) for name in ("bench", "simulation"))
    draw(bench, simulation, INTO)


def draw(bench: Mapping[str, Any], simulation: Mapping[str, Any], into: Path) -> None:
    """All pictures whose figures are there."""
    if bench:
        _save(crowd(bench["crowd"]), into / "crowd.svg")
        _save(rotation(bench["rotation"]), into / "rotation.svg")
        _save(hit(bench["hit"], bench["others"]["warm"]), into / "hit.svg")
    for name, measured in simulation.items():
        _save(month(name, measured), into / f"month-{name}.svg")


def _read(name: str) -> dict[str, Any]:
    path = ROOT / ".local" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def crowd(runs: Sequence[Mapping[str, Any]]) -> Any:
    """How long the callers at one expired token wait."""
    figure, axes = plt.subplots(figsize=(8, 4))
    shown = [run for run in runs if run["callers"] >= 10]
    for run in shown:
        waits = run["latencies"]
        parts = [(number + 1) / len(waits) * 100 for number in range(len(waits))]
        memory = run["substrate"] == "memory"
        colour, style = (OURS, "-") if memory else (READ, "--")
        axes.plot(waits, parts, style, color=colour)
        axes.annotate(f"{run['callers']:,}", (waits[-1], 101), ha="center", color=colour, **SMALL)
    answer = runs[0]["microsoft"]
    axes.axvline(answer, color=OTHERS)
    axes.annotate(f" Microsoft answers after {answer:g} s", (answer, 2), **SMALL)
    _named(axes, [("callers, in memory", OURS), ("over the emulator", READ)])
    axes.set(xlabel="seconds until the token is there", ylabel="% of the callers", xscale="log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    most = max((run["callers"] for run in shown), default=0)
    _title(figure, f"Up to {most:,} callers meet one expired token, and Microsoft is asked once")
    return figure


def rotation(runs: Sequence[Mapping[str, Any]]) -> Any:
    """How near to the ideal everything is redeemed that is due at once."""
    figure, axes = plt.subplots(figsize=(8, 4))
    names: list[tuple[str, str]] = []
    for run, colour in zip(runs, (OURS, READ, OTHERS) * len(runs), strict=False):
        full = run["connections"] / run["ideal"]
        times = [second / full for second, _ in run["progress"]]
        done = [count / run["connections"] * 100 for _, count in run["progress"]]
        axes.plot(times, done, color=colour)
        name = f"{run['connections']:,} over {run['substrate']}: {run['ratio']:.0%} of the ideal"
        names.append((name, colour))
    axes.plot([0, 1], [0, 100], color=OTHERS, linestyle=":")
    _named(axes, [*names, ("the ideal: workers / Microsoft's latency", OTHERS)])
    axes.set(xlabel="time, as a multiple of the ideal", ylabel="% redeemed")
    least = min((run["ratio"] for run in runs), default=0)
    _title(figure, f"Everything is due at once: {least:.0%} of the ideal speed, or more")
    return figure


def hit(own: Mapping[str, Any], others: Mapping[str, Any]) -> Any:
    """What a fetch costs that finds a valid token."""
    figure, axes = plt.subplots(figsize=(8, 3.4))
    times = {OWN: own["own"]["median"], ONE_READ: own["read"]["median"]}
    times |= {name: spent["median"] for name, spent in others.items()}
    names = [*times][::-1]
    colours = [{OWN: OURS, ONE_READ: READ}.get(name, OTHERS) for name in names]
    bars = axes.barh(names, [times[name] * 1000 for name in names], color=colours)
    axes.bar_label(bars, [f" {times[name] * 1000:.2g} ms" for name in names], **SMALL)
    axes.set(xlabel="CPU milliseconds a fetch, median", xscale="log")
    axes.margins(x=0.15)
    _title(figure, f"A valid token costs {times[OWN] * 1000:.1f} ms of CPU and one read")
    return figure


def month(name: str, measured: Mapping[str, Any]) -> Any:
    """A month of refreshes: how many attempts, and what is overdue."""
    figure, (upper, lower) = plt.subplots(2, figsize=(8, 5), sharex=True)
    days = [hour / 24 for hour in range(len(measured["attempts_by_hour"]))]
    upper.plot(days, [count / 3600 for count in measured["attempts_by_hour"]], color=OURS, lw=0.8)
    upper.set(ylabel="attempts a second")
    backlog = measured["backlog_by_hour"]
    lower.plot(days, backlog, linewidth=0.8, color=TROUBLE)
    lower.set(ylabel="due and not done", xlabel="day", yscale="symlog")
    for spell in measured["spells"]:
        for axes in (upper, lower):
            axes.axvspan(spell["start"] / 86_400, spell["end"] / 86_400, alpha=0.25, color=OTHERS)
    overdue = f"{max(backlog, default=0):,} overdue at the worst, {backlog[-1]:,} at the end"
    _title(figure, f"A {name} month of {measured['connections']:,} connections: {overdue}")
    if measured["spells"]:
        _named(upper, [("grey: trouble", "gray")])
    return figure


def _title(figure: Any, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left", fontsize=11, fontweight="bold")


def _named(axes: Any, names: Sequence[tuple[str, str]]) -> None:
    """What the colours mean, as text in them."""
    for line, (name, colour) in enumerate(names):
        place = {"xy": (0.98, 0.05 + 0.07 * (len(names) - 1 - line)), "xycoords": "axes fraction"}
        axes.annotate(name, ha="right", color=colour, **place, **SMALL)


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
