"""What people see of an import: progress, countdown, failures by their reason, what they leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from token_broker.operator.cli import screen
from token_broker.operator.cli.session import Session
from token_broker.operator.importing.engine import Run
from token_broker.operator.importing.files import Item
from token_broker.operator.importing.gate import Gate
from token_broker.operator.importing.report import Outcome, by_reason, writer

SECONDS = 45.0
"""For one call, its repetitions included. What takes longer is waited for by all rows together."""
NAMES = 10
"""Names of rows shown for one reason."""
RESULTS = ("imported", "ready", "unchanged", "skipped", "failed", "untried")
ALWAYS = ("imported", "unchanged", "skipped", "failed")


def run(
    session: Session,
    items: list[Item],
    *,
    report: str | None,
    threads: int,
    replace: bool,
    dry: bool,
) -> Counter[str]:
    """Import, with a progress bar, a report, and the failures at the end; how many of each."""
    counts: Counter[str] = Counter()
    failures: list[Outcome] = []
    gate = Gate()
    operator = session.operator(timeout=SECONDS, sleep=gate.hold)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with (
            _opened(report) as file,
            Progress(*columns, TimeRemainingColumn(), console=screen.err()) as progress,
        ):
            write = writer(file, report or "")
            task = progress.add_task("Importing", total=len(items))

            def tell(outcome: Outcome) -> None:
                counts[outcome.result] += 1
                write(outcome)
                if outcome.result in ("failed", "skipped"):
                    failures.append(outcome)
                progress.advance(task)

            def tick() -> None:
                left = gate.left()
                told = f"Waiting {left:.0f} s, as the broker asks" if left >= 1 else "Importing"
                progress.update(task, description=told)

            def interrupted(rows: int) -> None:
                progress.console.print(f"Finishing {rows} rows; Ctrl-C again to stop.")

            Run(operator, tell, replace, dry, gate, tick, interrupted).run(items, threads)
    except KeyboardInterrupt:
        screen.note("The same command goes on from here: what is imported stays unchanged.")
        raise
    finally:
        _tell(session, counts, failures)
    return counts


@contextmanager
def _opened(report: str | None) -> Iterator[TextIO | None]:
    if report is None:
        yield None
        return
    with Path(report).open("w", encoding="utf-8", newline="") as file:
        yield file


def _tell(session: Session, counts: Counter[str], failures: list[Outcome]) -> None:
    left = [one.connection for one in failures if one.left]
    if session.as_json:
        told = {"counts": dict(counts), "failures": [one.as_dict() for one in failures]}
        screen.data(told)
        return
    for (code, detail, remedy), rows in by_reason(failures).items():
        screen.failure(_title(code, rows), detail, remedy, rows[0].result == "failed")
    summary = ", ".join(
        f"{counts[name]} {name}" for name in RESULTS if counts[name] or name in ALWAYS
    )
    screen.done(summary, not counts["failed"])
    if left:
        many = f"{len(left)} connections stay" if len(left) > 1 else "1 connection stays"
        screen.note(f"{many} behind, pending: {_some(left)}.")
        screen.note("A repeated run goes on from there; token-broker delete NAME removes one.")


def _title(code: str, rows: list[Outcome]) -> str:
    count = f"{len(rows)} rows" if len(rows) > 1 else "1 row"
    return f"{code or rows[0].result}: {count}: {_some([row.name for row in rows])}"


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
