"""Reporting's two operations: submit and poll.

https://learn.microsoft.com/advertising/reporting-service/submitgeneratereport
"""

from __future__ import annotations

import csv
import io
from typing import Any

from ..world import World
from .customers import accounts, customer
from .faults import Fail
from .jobs import Job
from .users import Caller


def submit(world: World, caller: Caller) -> dict[str, Any]:
    """SubmitGenerateReport: takes any report; `Scope` must name the user's own accounts."""
    wanted = caller.body.get("ReportRequest")
    if not isinstance(wanted, dict):
        raise Fail(100)
    scope = wanted.get("Scope") or {}
    chosen = accounts(world, caller, scope.get("AccountIds"), 2003)
    columns = ("AccountName", "AccountId", "Impressions", "Clicks")
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for number, account in enumerate(chosen, 1):
        writer.writerow([account["name"], account["id"], 100 * number, 10 * number])
    content = text.getvalue().encode("utf-8-sig")
    job = Job("report", caller.profile["user_id"], world.settings.advertising_polls, content)
    return {"ReportRequestId": world.jobs.add(job).id}


def poll(world: World, caller: Caller) -> dict[str, Any]:
    """PollGenerateReport."""
    wanted = str(caller.body.get("ReportRequestId"))
    job = world.jobs.find("report", wanted, caller.profile["user_id"])
    if job is None:
        raise Fail(2100)
    customer(world, caller)
    if not job.tick():
        return {"ReportRequestStatus": {"ReportDownloadUrl": None, "Status": "Pending"}}
    url = f"{caller.base_url}/Reporting/v13/files/{job.file_id}"
    return {"ReportRequestStatus": {"ReportDownloadUrl": url, "Status": "Success"}}
