"""Bulk's operations: upload a file of records, download campaigns, upload a few records at once.

https://learn.microsoft.com/advertising/bulk-service/getbulkuploadurl
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from ..world import World
from .customers import accounts
from .faults import Fail
from .jobs import Job
from .users import Caller

HEADER = "Type,Status,Id,Parent Id,Name\n"


def upload_url(world: World, caller: Caller) -> dict[str, Any]:
    """GetBulkUploadUrl: where to post the file, with the same headers as a call."""
    accounts(world, caller, [caller.body.get("AccountId")], 208)
    job = Job("upload", caller.profile["user_id"], world.settings.advertising_polls)
    world.jobs.add(job)
    url = f"{caller.base_url}/Bulk/v13/files/upload/{job.id}"
    return {"UploadUrl": url, "RequestId": job.id}


def receive(world: World, caller: Caller, job_id: str, content: bytes) -> dict[str, Any]:
    """The upload itself: a CSV file, or a ZIP of one. The results say what came."""
    job = world.jobs.find("upload", job_id, caller.profile["user_id"])
    if job is None:
        raise Fail(4219)
    job.content = _unpacked(content)
    return {"RequestId": job.id}


def upload_status(world: World, caller: Caller) -> dict[str, Any]:
    """GetBulkUploadStatus."""
    job = _job(world, caller, "upload")
    if job.content is None:
        return _status("PendingFileUpload", 0, None)
    return _progress(caller, job)


def download(world: World, caller: Caller) -> dict[str, Any]:
    """DownloadCampaignsByAccountIds, ByCampaignIds: a campaign of each account."""
    campaigns = caller.body.get("Campaigns") or []
    ids = caller.body.get("AccountIds") or [entry["ParentAccountId"] for entry in campaigns]
    chosen = accounts(world, caller, ids, 208)
    rows = [f"Campaign,Active,{a['id']}1,{a['id']},Campaign of {a['name']}\n" for a in chosen]
    content = (HEADER + "".join(rows)).encode("utf-8-sig")
    job = Job("download", caller.profile["user_id"], world.settings.advertising_polls, content)
    return {"DownloadRequestId": world.jobs.add(job).id}


def download_status(world: World, caller: Caller) -> dict[str, Any]:
    """GetBulkDownloadStatus."""
    return _progress(caller, _job(world, caller, "download"))


def upload_records(world: World, caller: Caller) -> dict[str, Any]:
    """UploadEntityRecords: the records come back as they were accepted."""
    accounts(world, caller, [caller.body.get("AccountId")], 208)
    records = caller.body.get("EntityRecords") or []
    return {
        "EntityRecords": records,
        "Errors": None,
        "RequestId": None,
        "RequestStatus": "Completed",
    }


def _job(world: World, caller: Caller, kind: str) -> Job:
    job = world.jobs.find(kind, str(caller.body.get("RequestId")), caller.profile["user_id"])
    if job is None:
        raise Fail(4219)
    return job


def _progress(caller: Caller, job: Job) -> dict[str, Any]:
    if not job.tick():
        return _status("InProgress", 50, None)
    return _status("Completed", 100, f"{caller.base_url}/Bulk/v13/files/{job.file_id}")


def _status(status: str, percent: int, url: str | None) -> dict[str, Any]:
    return {
        "Errors": None,
        "ForwardCompatibilityMap": None,
        "PercentComplete": percent,
        "RequestStatus": status,
        "ResultFileUrl": url,
    }


def _unpacked(content: bytes) -> bytes:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.read(file.namelist()[0])
