"""The real `msads` with the broker's authentication, against Microsoft Advertising over REST."""

from __future__ import annotations

import io
import json
import subprocess
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from local.template import ROOT

from .fake import Broker

PYTHON = ROOT / ".venv-msads" / "bin" / "python"
JOB = Path(__file__).with_name("msads_job.py")

FAULT = {"TrackingId": "t", "Type": "AdApiFaultDetail"}
EXPIRED = {**FAULT, "Errors": [{"Code": 109, "ErrorCode": "AuthenticationTokenExpired"}]}
MISMATCH = {**FAULT, "Errors": [{"Code": 126, "ErrorCode": "IdentityTypeMismatch"}]}

REFUSALS: dict[str, tuple[str, int, Any]] = {
    # scenario: the path whose first request is refused, its status and body
    "user-401": ("/CustomerManagement/v13/User/Query", 401, {}),
    "user-109": ("/CustomerManagement/v13/User/Query", 400, EXPIRED),
    "user-126": ("/CustomerManagement/v13/User/Query", 401, MISMATCH),
    "bare-401": ("/CustomerManagement/v13/User/Query", 401, {}),
    "report-submit": ("/Reporting/v13/GenerateReport/Submit", 401, EXPIRED),
    "report-poll": ("/Reporting/v13/GenerateReport/Poll", 401, EXPIRED),
    "bulk-url": ("/Bulk/v13/BulkUploadUrl/Query", 401, EXPIRED),
    "bulk-file": ("/upload", 401, {}),
    "bulk-status": ("/Bulk/v13/BulkUploadStatus/Query", 401, EXPIRED),
}
HEALTHY = ["user-ok", "user-google", "report-ok", "bulk-google", "stranger-x"]


class Advertising(ThreadingHTTPServer):
    """Answers by path; refuses what `REFUSALS` says, once, or always for a token of old."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.calls: list[tuple[str, str, dict[str, str]]] = []
        """Scenario, path, headers."""

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, Any]:
        scenario = headers.get("DeveloperToken", "")
        before = sum(1 for name, seen, _ in self.calls if (name, seen) == (scenario, path))
        self.calls.append((scenario, path, headers))
        refused = REFUSALS.get(scenario)
        if refused and refused[0] == path and not before:
            return refused[1:]
        return 200, self.body(path)

    def body(self, path: str) -> Any:
        results = f"{self.url}/results"
        status = {"Status": "Success", "ReportDownloadUrl": results}
        upload = {"RequestStatus": "Completed", "ResultFileUrl": results, "PercentComplete": 100}
        return {
            "/CustomerManagement/v13/User/Query": {"User": {"Id": "7", "UserName": "someone"}},
            "/Reporting/v13/GenerateReport/Submit": {"ReportRequestId": "r-1"},
            "/Reporting/v13/GenerateReport/Poll": {"ReportRequestStatus": status},
            "/Bulk/v13/BulkUploadUrl/Query": {
                "RequestId": "u-1",
                "UploadUrl": f"{self.url}/upload",
            },
            "/Bulk/v13/BulkUploadStatus/Query": upload,
            "/upload": {},
            "/results": _archive(),
        }[path]


class Handler(BaseHTTPRequestHandler):
    server: Advertising

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.server.answer(self.path, dict(self.headers))
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST  # noqa: N815


class Google(Broker):
    """Its connection `google` belongs to somebody who signs in with Google."""

    def body(self, connection: str) -> dict[str, Any]:
        body = super().body(connection)
        if connection == "google":
            body["parameters"]["identity_provider"] = "Google"
            body["access_token"] = f"google-{body['access_token']}"
        return body


class Run:
    """What the job printed, and what was asked of broker and service."""

    def __init__(self, broker: Broker, advertising: Advertising, directory: Path) -> None:
        self.broker, self.advertising = broker, advertising
        arguments = [broker.url, advertising.url, str(directory), *REFUSALS, *HEALTHY]
        job = subprocess.run(
            [str(PYTHON), str(JOB), *arguments],
            env={"PYTHONPATH": str(ROOT / "layers/client"), "PATH": ""},
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        self.output = job.stdout + job.stderr
        assert job.returncode == 0, self.output
        self.outcomes: dict[str, dict[str, Any]] = {}
        for line in job.stdout.splitlines():
            self.outcomes |= json.loads(line)

    def calls(self, scenario: str, path: str = "") -> list[dict[str, str]]:
        """The headers of a scenario's calls."""
        return [
            headers
            for name, seen, headers in self.advertising.calls
            if name == scenario and path in seen
        ]


def _archive() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("results.csv", "Type,Status,Id\n")
    return archive.getvalue()


@contextmanager
def serving(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    broker, advertising = Google(), Advertising()
    with serving(broker), serving(advertising):
        yield Run(broker, advertising, tmp_path_factory.mktemp("msads"))


@pytest.mark.parametrize("scenario", [name for name in REFUSALS if not name.startswith("bare")])
def test_a_refused_token_is_healed_by_exactly_one_renewal(run: Run, scenario: str) -> None:
    path = REFUSALS[scenario][0]
    refused, *others = (headers["Authorization"] for headers in run.calls(scenario, path))
    if scenario == "user-126":  # another token would be of the wrong provider again
        assert run.outcomes[scenario]["error"] == "UnauthorizedException"
        assert not others
        return
    assert "value" in run.outcomes[scenario], run.outcomes[scenario]
    assert len(others) == 1
    assert refused != others[0]


def test_no_other_renewal_was_asked_for(run: Run) -> None:
    forced = [asked for asked in run.broker.asked if "rejected" in asked.query]
    healed = {name for name in REFUSALS if name not in ("user-126", "bare-401")}
    assert len(forced) == len(healed)


def test_without_the_wrapper_msads_says_what_it_says(run: Run) -> None:
    assert run.outcomes["bare-401"] == {"error": "UnauthorizedException"}


def test_what_people_came_for(run: Run) -> None:
    assert run.outcomes["user-ok"] == {"value": "someone"}
    assert run.outcomes["report-ok"] == {"value": "Type,Status,Id\n"}
    assert run.outcomes["bulk-google"] == {"value": "Type,Status,Id\n"}


def test_every_call_says_whose_token_it_is(run: Run) -> None:
    for scenario, path, headers in run.advertising.calls:
        if path == "/results" or scenario == "stranger-x":
            continue
        assert headers["Authorization"].startswith("Bearer "), (scenario, path)
        google = "google" in scenario
        assert headers.get("IdentityProvider") == ("Google" if google else None)
        assert ("google-" in headers["Authorization"]) is google, (scenario, path)


def test_a_result_is_fetched_without_any_token(run: Run) -> None:
    results = [headers for _, path, headers in run.advertising.calls if path == "/results"]
    assert results
    assert not any("Authorization" in headers for headers in results)


def test_another_authentication_is_refused_at_once(run: Run) -> None:
    assert run.outcomes["stranger-x"] == {"error": "TypeError"}


def test_the_job_shows_no_secret(run: Run) -> None:
    assert "canary" not in run.output
    assert "token-" not in run.output


def test_the_broker_is_asked_once_for_each_token(run: Run) -> None:
    plain = Counter(a.path for a in run.broker.asked if "rejected" not in a.query)
    assert max(plain.values()) <= 2, plain
