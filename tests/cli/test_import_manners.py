"""import as people meet it: dry runs, pauses, interruptions, failures by reason, what is left."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.domain.problems import Problem
from tests.cli.conftest import Run
from tests.cli.fake import Fake
from tests.cli.test_import import good, lines, write
from token_broker.operator.importing.gate import Abandoned, Gate
from token_broker.operator.importing.prove import Prover

Broker = tuple[Fake, str]


@contextmanager
def interruptible() -> Iterator[None]:
    """A process that was started in the background ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def interrupt() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def test_a_dry_run_changes_nothing(fake: Broker, offline: Run, tmp_path: Path) -> None:
    broker, _ = fake
    broker.house.connected(connection="c-2")
    bad = {"connection": "c-3", "refresh_token": ""}
    file = write(tmp_path / "grants.csv", [good(broker, 1), good(broker, 2), bad])
    report = tmp_path / "report.csv"
    before, redeemed = [*broker.house.tables.connections], broker.house.microsoft.redemptions
    result = offline("import", file, "--dry-run", "--report", str(report))
    assert "0 imported, 1 ready, 0 unchanged, 1 skipped, 1 failed" in result.stdout
    assert result.exit_code == 1
    assert sorted(line["result"] for line in lines(report)) == ["failed", "ready", "skipped"]
    assert [*broker.house.tables.connections] == before
    assert broker.house.microsoft.redemptions == redeemed
    assert {*broker.calls} == {"GET"}


def test_failures_come_by_reason_with_the_names_of_their_rows(
    fake: Broker, offline: Run, tmp_path: Path
) -> None:
    broker, _ = fake
    unknown = [
        {"connection": f"bad-{number}", "refresh_token": "canary-unknown"} for number in range(12)
    ]
    empty = {"connection": "empty", "refresh_token": ""}
    file = write(tmp_path / "grants.csv", [good(broker, 1), *unknown, empty])
    result = offline("import", file)
    titles = [line for line in result.stdout.splitlines() if line.startswith("✗")]
    assert titles[0].startswith("✗ refresh_token_refused: 12 rows: row ")
    assert "and 2 more" in titles[0]
    assert titles[1] == "✗ invalid_request: 1 row: row 14 empty"
    assert "12 connections stay behind, pending" in result.stderr
    assert "token-broker delete NAME" in result.stderr
    told = json.loads(offline("import", file, "--json").stdout)["failures"]
    assert sum("left" in one for one in told) == 12


def test_what_heals_is_waited_for_by_all_rows(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than one call may take, so that the run waits, not the call."""
    broker, _ = fake
    step, held = type(broker.house.connections_step), []
    adopt, refusals = step.adopt, iter([True] * 3)

    def throttled(*words: Any) -> Any:
        if next(refusals, False):
            raise Problem("throttled", retry_after=60)
        return adopt(*words)

    monkeypatch.setattr(step, "adopt", throttled)
    monkeypatch.setattr(Gate, "hold", lambda _, seconds: held.append(seconds))
    file = write(tmp_path / "grants.csv", [good(broker, number) for number in range(5)])
    result = offline("import", file)
    assert "5 imported" in result.stdout
    assert held == [60, 60, 60]


def test_the_countdown_is_shown(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([3.0, 2.0])
    monkeypatch.setattr(Gate, "left", lambda _: next(left, 0.0))
    monkeypatch.setattr(Gate, "wait", lambda _: None)
    descriptions: list[str] = []
    update = "token_broker.operator.cli.importer.Progress.update"
    monkeypatch.setattr(update, lambda *_, description: descriptions.append(description))
    offline("import", write(tmp_path / "grants.csv", [good(fake[0], n) for n in range(3)]))
    assert descriptions[:2] == [
        "Waiting 3 s, as the broker asks",
        "Waiting 2 s, as the broker asks",
    ]
    assert descriptions[-1] == "Importing"


def test_an_interruption_finishes_what_is_under_way_and_says_so(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, _ = fake
    proved, count = Prover._proved, iter(range(1000))

    def slowly(*words: Any) -> Any:
        if next(count) == 10:
            interrupt()
            time.sleep(1)
        return proved(*words)

    monkeypatch.setattr(Prover, "_proved", slowly)
    file = write(tmp_path / "grants.csv", [good(broker, number) for number in range(60)])
    report = tmp_path / "report.csv"
    with interruptible():
        result = offline("import", file, "--concurrency", "2", "--report", str(report))
    assert result.exit_code == 130
    assert "Ctrl-C again to stop" in result.stderr
    assert "The same command goes on from here" in result.stderr
    done = [one for one in broker.house.tables.connections.values() if one.epoch]
    told = [line["result"] for line in lines(report)]
    assert told.count("imported") == len(done) > 0
    assert told.count("untried") > 0
    monkeypatch.undo()
    assert f"{60 - len(done)} imported, {len(done)} unchanged" in offline("import", file).stdout


def test_a_second_interruption_does_not_wait(
    fake: Broker, offline: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker, _ = fake
    stuck = threading.Event()

    def hang(*_: Any) -> Any:
        interrupt()
        time.sleep(1.2)
        interrupt()
        stuck.wait(30)

    monkeypatch.setattr(Prover, "_proved", hang)
    begun = time.monotonic()
    with interruptible():
        file = write(tmp_path / "grants.csv", [good(broker, 1)])
        result = offline("import", file, "--concurrency", "1")
    stuck.set()
    assert result.exit_code == 130
    assert time.monotonic() - begun < 15


def test_a_gate_holds_everybody_and_lets_go_at_an_end() -> None:
    now = [100.0]
    gate = Gate(lambda: now[0])
    gate.abandoned.wait = lambda seconds: now.__setitem__(0, now[0] + seconds)  # type: ignore[method-assign,assignment,misc]
    gate.hold(5)
    assert now == [105.0]
    gate = Gate()
    gate.abandoned.set()
    with pytest.raises(Abandoned):
        gate.hold(60)
