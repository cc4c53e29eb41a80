"""``python -m local.simulation --connections 1000000 --days 30``"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from local.simulation.report import lines, summary
from local.simulation.run import simulate
from local.simulation.scenario import bad, calm
from local.template import ROOT


def main() -> None:
    """Parse, simulate, print, and write `.local/simulation.json`."""
    parser = argparse.ArgumentParser(prog="python -m local.simulation")
    parser.add_argument("--connections", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--into", type=Path, default=ROOT / ".local" / "simulation.json")
    given = parser.parse_args()
    given.into.parent.mkdir(exist_ok=True)
    found = {}
    for name, make in (("calm", calm), ("bad", bad)):
        scenario, begun = make(given.connections, given.days), time.monotonic()
        month = summary(scenario, simulate(scenario))
        found[name] = {**month, "seconds": round(time.monotonic() - begun, 1)}
        print(f"A {name} month:", *lines(found[name]), sep="\n  ", flush=True)
    given.into.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
