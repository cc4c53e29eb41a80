"""Draws docs/plots/*.svg from `.local/bench.json` and `.local/simulation.json`, those there are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "token-broker"  # the same figures give the same files

from matplotlib import pyplot as plt  # noqa: E402 (the backend is chosen first)

ROOT = Path(__file__).resolve().parents[2]
INTO = ROOT / "docs" / "plots"


def main() -> None:
    """Draw what can be drawn."""
    INTO.mkdir(exist_ok=True)
    bench, simulation = (_read(name) for name in ("bench", "simulation"))
    if bench:
        _crowd(bench)
        _rotation(bench)
        _hit(bench)
    for name, month in simulation.items():
        _month(name, month)


def _read(name: str) -> dict[str, Any]:
    path = ROOT / ".local" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def _crowd(bench: dict[str, Any]) -> None:
    figure, axes = plt.subplots(figsize=(7, 4))
    for one in bench["crowd"]:
        if one["callers"] < 10:
            continue
        waits = one["latencies"]
        parts = [(number + 1) / len(waits) * 100 for number in range(len(waits))]
        style = "-" if one["substrate"] == "memory" else "--"
        axes.plot(waits, parts, style, label=f"{one['callers']:,} callers, {one['substrate']}")
    axes.set(xlabel="seconds until the token is there", ylabel="% of the callers", xscale="log")
    axes.axvline(bench["crowd"][0]["microsoft"], color="gray", linewidth=0.8)
    axes.set_title("Callers at one expired token: one redemption (gray: Microsoft's answer)")
    _save(figure, axes, "crowd")


def _rotation(bench: dict[str, Any]) -> None:
    figure, axes = plt.subplots(figsize=(7, 4))
    for run in bench["rotation"]:
        seconds = [second for second, _ in run["progress"]]
        done = [count / run["connections"] * 100 for _, count in run["progress"]]
        full = run["connections"] / run["ideal"]
        label = f"{run['connections']:,} over {run['substrate']}: {run['ratio']:.2f} of the ideal"
        axes.plot([second / full for second in seconds], done, label=label)
    axes.plot([0, 1], [0, 100], color="gray", linewidth=0.8, label="ideal")
    axes.set(xlabel="time, as a multiple of the ideal", ylabel="% redeemed")
    axes.set_title("Everything is due: workers / Microsoft's latency is the ideal")
    _save(figure, axes, "rotation")


def _hit(bench: dict[str, Any]) -> None:
    figure, axes = plt.subplots(figsize=(7, 3.2))
    times = {"this broker, apart from its one read": bench["hit"]["own"]["median"]}
    times["its one read (botocore)"] = bench["hit"]["read"]["median"]
    times |= {name: spent["median"] for name, spent in bench["others"]["warm"].items()}
    names = list(times)[::-1]
    axes.barh(names, [times[name] * 1000 for name in names])
    axes.set(xlabel="CPU milliseconds a fetch, median", xscale="log")
    axes.set_title("A fetch that finds a valid token")
    _save(figure, axes, "hit", legend=False)


def _month(name: str, month: dict[str, Any]) -> None:
    figure, (upper, lower) = plt.subplots(2, figsize=(8, 5), sharex=True)
    days = [hour / 24 for hour in range(len(month["attempts_by_hour"]))]
    rate = [count / 3600 for count in month["attempts_by_hour"]]
    upper.plot(days, rate, linewidth=0.8)
    upper.set(ylabel="attempts a second")
    lower.plot(days, month["backlog_by_hour"], linewidth=0.8, color="tab:red")
    lower.set(ylabel="due and not done", xlabel="day", yscale="symlog")
    for spell in month["spells"]:
        for axes in (upper, lower):
            axes.axvspan(spell["start"] / 86_400, spell["end"] / 86_400, alpha=0.2, color="gray")
    upper.set_title(f"{month['connections']:,} connections, a {name} month (gray: trouble)")
    _save(figure, lower, f"month-{name}", legend=False)


def _save(figure: Any, axes: Any, name: str, *, legend: bool = True) -> None:
    if legend:
        axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(INTO / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    main()
