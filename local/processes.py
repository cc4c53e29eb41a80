"""Background processes of the local stack: a process group, a note and a log file each.

A note (`<name>.pid`) holds the leader's process id and its time of start, so that a reused id is
never mistaken for ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypedDict

import requests

START_SECONDS = 60.0
"""A cold file cache on a slow machine; both servers start in about 2 s otherwise."""

STOP_SECONDS = 5.0
"""Grace between SIGTERM and SIGKILL."""


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Handles of the processes that this one started, to reap them once they end."""


class StackError(Exception):
    """The local stack cannot come up; the message tells what to do."""


class Note(TypedDict):
    """Which process a service is: `started` as the system words it."""

    pid: int
    started: str | None


@dataclass(frozen=True, slots=True)
class Service:
    """One background server: its command, whole environment, port, and a URL that answers 200."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    port: int
    health: str
    port_variable: str


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(services: Sequence[Service], state: Path, directory: Path) -> None:
    """Start services at once, each in a process group of its own, and wait until all answer."""
    for service in services:
        _require_free(service)
    started = [(service, _spawn(service, state, directory)) for service in services]
    deadline = time.monotonic() + START_SECONDS
    for service, process in started:
        while not _answers(service.health):
            if process.poll() is not None or time.monotonic() > deadline:
                _give_up(service, services, state)
            time.sleep(0.1)


def _spawn(service: Service, state: Path, directory: Path) -> subprocess.Popen[bytes]:
    with (state / f"{service.name}.log").open("wb") as output:
        process = subprocess.Popen(
            service.command,
            cwd=directory,
            env=dict(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[process.pid] = process
    note: Note = {"pid": process.pid, "started": _started(process.pid)}
    (state / f"{service.name}.pid").write_text(json.dumps(note))
    return process


def _give_up(failed: Service, services: Sequence[Service], state: Path) -> NoReturn:
    for service in services:
        stop(service.name, state)
    log = state / f"{failed.name}.log"
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise StackError(f"{failed.name} did not start; the end of {log}:\n{tail}")


def running(name: str, state: Path) -> bool:
    """Whether the service we noted is still that process."""
    note = _note(name, state)
    return note is not None and _started(note["pid"]) == note["started"]


def stop(name: str, state: Path) -> bool:
    """End the service and all it started. False if it was not running."""
    note, alive = _note(name, state), running(name, state)
    if note and alive:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            _signal(note["pid"], number)
            if _gone(note["pid"], seconds):
                break
    (state / f"{name}.pid").unlink(missing_ok=True)
    return alive


def _require_free(service: Service) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", service.port))
        except OSError as error:
            raise StackError(
                f"Port {service.port}, wanted for the {service.name}, is in use. "
                f"Stop what listens there, or choose another: {service.port_variable}=<port>."
            ) from error


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _note(name: str, state: Path) -> Note | None:
    try:
        note: Note = json.loads((state / f"{name}.pid").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return note


def _started(pid: int) -> str | None:
    """When the process started, in the system's own words; None if there is none (or a zombie)."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return shown.stdout.strip() or None


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _gone(group: int, seconds: float) -> bool:
    """Whether every process of the group ends in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child := _children.get(group):
            child.poll()  # reaps it
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            _children.pop(group, None)
            return True
        time.sleep(0.05)
    return False
