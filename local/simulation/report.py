"""The month in figures."""

from __future__ import annotations

from typing import Any

import numpy as np

from local.simulation.run import Outcome
from local.simulation.scenario import DAY, HOUR, Scenario


def summary(scenario: Scenario, outcome: Outcome) -> dict[str, Any]:
    """All figures as JSON holds them. Times in seconds."""
    late = np.concatenate(outcome.late) if outcome.late else np.zeros(1, dtype=np.int32)
    noticed = np.array(outcome.noticed or [0])
    per_hour = outcome.redemptions.reshape(-1, 60).sum(axis=1)
    return {
        "connections": scenario.connections,
        "days": scenario.days,
        "workers": scenario.workers,
        "spells": [
            {"kind": type(each).__name__.lower(), "start": each.start, "end": each.end}
            for each in scenario.spells
        ],
        "lateness": _quantiles(late),
        "attempts_a_day": round(int(outcome.redemptions.sum()) / scenario.days),
        "peak_a_second": round(int(outcome.redemptions.max()) / 60, 1),
        "mean_a_second": round(int(outcome.redemptions.sum()) / scenario.days / DAY, 1),
        "told_to_wait": outcome.told,
        "held": outcome.held,
        "grants_lost": outcome.lost,
        "longest_gap": outcome.gaps,
        "suspected": outcome.suspected,
        "recovered": outcome.recovered,
        "revoked_noticed": len(outcome.noticed),
        "notice": _quantiles(noticed),
        "backlog_left": int(outcome.backlog[-1]),
        "expired_in_use": outcome.expired,
        "attempts_by_hour": per_hour.tolist(),
        "backlog_by_hour": outcome.backlog.reshape(-1, 60).max(axis=1).tolist(),
    }


def _quantiles(values: np.ndarray[Any, Any]) -> dict[str, int]:
    p50, p99, p999 = np.percentile(values, [50, 99, 99.9])
    return {"p50": int(p50), "p99": int(p99), "p99.9": int(p999), "max": int(values.max())}


def lines(found: dict[str, Any]) -> list[str]:
    """For people."""
    late, notice = found["lateness"], found["notice"]
    return [
        f"{found['connections']:,} connections, {found['days']} days, {found['workers']} workers "
        f"(simulated in {found['seconds']} s)",
        f"lateness of a rotation      p50 {late['p50']} s, p99 {late['p99']:,} s, "
        f"max {late['max'] / HOUR:.1f} h",
        f"attempts to redeem          {found['attempts_a_day']:,} a day, "
        f"mean {found['mean_a_second']} a second, peak {found['peak_a_second']} a second",
        f"told to wait                {found['told_to_wait']:,} times; "
        f"{found['held']:,} orders answered without asking",
        f"grants lost                 {found['grants_lost']} "
        f"(longest time without a redemption {found['longest_gap'] / HOUR:.1f} h)",
        f"refused once                {found['suspected'] - found['revoked_noticed']:,} beside the "
        f"withdrawn that were noticed; {found['recovered']:,} recovered",
        f"withdrawn grants noticed    {found['revoked_noticed']:,}: p50 "
        f"{notice['p50'] / HOUR:.1f} h, p99 {notice['p99'] / HOUR:.1f} h, "
        f"max {notice['max'] / HOUR:.1f} h",
        f"tokens in use that ran out  {found['expired_in_use']:,} (during the outages)",
    ]
