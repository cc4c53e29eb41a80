"""Microsoft Advertising, REST v13: routes, files, and what happens to each call.

https://learn.microsoft.com/advertising/customer-management-service/getuser
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import Headers

from ..faults import Fault
from ..legs import play
from ..world import World
from . import bulk, customers, faults, reporting, users
from .faults import Fail
from .users import Caller

Operation = Callable[[World, Caller], dict[str, Any]]

OPERATIONS: dict[str, tuple[str, Operation]] = {
    "CustomerManagement/v13/User/Query": ("GetUser", customers.get_user),
    "CustomerManagement/v13/Accounts/Search": ("SearchAccounts", customers.search_accounts),
    "CustomerManagement/v13/AccountsInfo/Query": ("GetAccountsInfo", customers.accounts_info),
    "Reporting/v13/GenerateReport/Submit": ("SubmitGenerateReport", reporting.submit),
    "Reporting/v13/GenerateReport/Poll": ("PollGenerateReport", reporting.poll),
    "Bulk/v13/BulkUploadUrl/Query": ("GetBulkUploadUrl", bulk.upload_url),
    "Bulk/v13/BulkUploadStatus/Query": ("GetBulkUploadStatus", bulk.upload_status),
    "Bulk/v13/Campaigns/DownloadByAccountIds": ("DownloadCampaignsByAccountIds", bulk.download),
    "Bulk/v13/Campaigns/DownloadByCampaignIds": ("DownloadCampaignsByCampaignIds", bulk.download),
    "Bulk/v13/BulkDownloadStatus/Query": ("GetBulkDownloadStatus", bulk.download_status),
    "Bulk/v13/EntityRecords/Upload": ("UploadEntityRecords", bulk.upload_records),
}
"""REST path → the operation's name (SOAP's too) and what it does."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a protocol reads a call and words its answers: REST here, SOAP in `soap.py`."""

    headers: Callable[[], Headers]
    body: Callable[[], dict[str, Any]]
    answer: Callable[[str, dict[str, Any]], Response]
    fault: Callable[[faults.Fault], Response]


def blueprint(world: World) -> Blueprint:
    """Routes for production and, under `/sandbox`, for the sandbox."""
    routes = Blueprint("advertising", __name__)
    for environment, prefix in (("production", ""), ("sandbox", "/sandbox")):
        for path, (name, operation) in OPERATIONS.items():

            def view(
                environment: str = environment, name: str = name, operation: Operation = operation
            ) -> Response:
                return respond(world, environment, name, operation, REST)

            url = f"{prefix}/{path}"
            routes.add_url_rule(url, f"{environment}:{path}", view, methods=["POST"])
        _files(routes, world, environment, prefix)
    return routes


def _files(routes: Blueprint, world: World, environment: str, prefix: str) -> None:
    def upload(job_id: str) -> Response:
        file = next(iter(request.files.values()), None)
        content = file.read() if file else request.get_data()

        def receive(world: World, caller: Caller) -> dict[str, Any]:
            return bulk.receive(world, caller, job_id, content)

        return respond(world, environment, "Upload", receive, UPLOAD)

    def download(file_id: str) -> Response:
        with world.lock:
            job = world.jobs.by_file(file_id)
        if job is None or job.content is None:
            return Response("<Error><Code>BlobNotFound</Code></Error>", 404, mimetype="text/xml")
        return Response(job.archive(), mimetype="application/x-zip-compressed")

    upload_path = f"{prefix}/Bulk/v13/files/upload/<job_id>"
    routes.add_url_rule(upload_path, f"{environment}:upload", upload, methods=["POST"])
    for service in ("Bulk", "Reporting"):
        path = f"{prefix}/{service}/v13/files/<file_id>"
        routes.add_url_rule(path, f"{environment}:{service}:file", download, methods=["GET"])


def respond(
    world: World, environment: str, name: str, operation: Operation, style: Style
) -> Response:
    """One call: whose token it is, the user behind it, the operation."""
    headers = style.headers()
    with world.lock:
        token = users.bearer(world, headers)
    subject: dict[str, Any] = {
        "path": request.path,
        "operation": name,
        "environment": environment,
        "user": token.email if token else None,
        "identity": token.identity if token else None,
        "client_id": token.client_id if token else None,
    }

    def failed(fail: Fail) -> Response:
        world.record(leg="advertising", **subject, outcome="fault", number=fail.code)
        in_message = world.settings.fault_reason_in == "message"
        return style.fault(faults.fault(fail, reason_in_message=in_message))

    def work(taken: list[Fault]) -> Response:
        try:
            _scripted(taken)
            profile = users.authenticate(world, environment, headers, token)
            assert token is not None
            base = world.base_url if environment == "production" else f"{world.base_url}/sandbox"
            caller = Caller(
                token.email, token.name, profile, style.body(), headers, environment, base
            )
            answer = operation(world, caller)
        except Fail as fail:
            return failed(fail)
        world.record(leg="advertising", **subject, outcome="ok")
        return style.answer(name, answer)

    return play(world, "advertising", subject, work, lambda _: failed(Fail(0)))


def _rest_headers() -> Headers:
    return Headers(request.headers)


def _upload_headers() -> Headers:
    """An upload may carry its token in SOAP's name for it."""
    headers = Headers(request.headers)
    if "Authorization" not in headers and "AuthenticationToken" in headers:
        headers["Authorization"] = f"Bearer {headers['AuthenticationToken']}"
    return headers


def _rest_body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise Fail(100)
    return body


def _rest_answer(_name: str, content: dict[str, Any]) -> Response:
    return _tracked(jsonify(content))


def _rest_fault(fault: faults.Fault) -> Response:
    """With its tracking id in the body too."""
    tracking = str(uuid.uuid4())
    answer = _tracked(jsonify({"TrackingId": tracking, **fault.body}), tracking)
    answer.status_code = fault.status
    return answer


def _tracked(answer: Response, tracking: str | None = None) -> Response:
    answer.headers["TrackingId"] = tracking or str(uuid.uuid4())
    return answer


REST = Style(_rest_headers, _rest_body, _rest_answer, _rest_fault)
UPLOAD = Style(_upload_headers, dict, _rest_answer, _rest_fault)


def _scripted(taken: list[Fault]) -> None:
    """An ``api`` fault: `code`, `detail`, `status`, `shape`, `in_message`."""
    scripted = next((fault.fault for fault in taken if fault.kind == "api"), None)
    if scripted:
        changes = {name: scripted.get(name) for name in ("status", "shape", "in_message")}
        raise Fail(int(scripted["code"]), scripted.get("detail"), **changes)
