"""The real `msads`, unchanged, at the simulated hosts: run in an environment of its own.

    python msads_job.py PLATFORM GOOGLE DIRECTORY < given

`given`: a line of JSON with an access token of Microsoft's and one of Google's, and Google's client
(id, secret, redirect URI). Prints a line of JSON: what came of each call, and of the SDK's own
sign-in with Google, for which the platform's control API presses the buttons.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import requests
from bingads import authorization as sdk
from bingads.service_client import ServiceClient
from bingads.util import _PollingBlocker
from bingads.v13.bulk import BulkServiceManager, DownloadParameters, FileUploadParameters
from bingads.v13.reporting import ReportingDownloadParameters, ReportingServiceManager
from openapi_client.exceptions import ApiException
from openapi_client.models.bulk import DownloadEntity
from openapi_client.models.reporting import (
    AccountThroughCampaignReportScope,
    CampaignPerformanceReportRequest,
)

platform, google, directory = sys.argv[1:]
given = json.loads(sys.stdin.readline())
_PollingBlocker.INITIAL_STATUS_CHECK_INTERVAL_IN_MS = 10  # the SDK would wait a second
ServiceClient.endpoints["production"] = dict.fromkeys(
    ("reporting", "bulk", "customermanagement"), platform
)


class Google(sdk.GoogleOAuthWebAuthCodeGrant):  # type: ignore[misc]  # the SDK has no types
    def enrich_headers(self, headers: dict[str, str]) -> None:
        super().enrich_headers(headers)
        headers["IdentityProvider"] = "Google"


def data(kind: str) -> Any:
    tokens = sdk.OAuthTokens(given[kind], 3600, "unused")
    make = Google if kind == "google" else sdk.OAuthWebAuthCodeGrant
    grant = make("client", "secret", "http://localhost/", oauth_tokens=tokens)
    return sdk.AuthorizationData("30101", "201", "SIMULATED01DEV", grant)


def user(kind: str) -> Any:
    return (
        ServiceClient("CustomerManagementService", 13, data(kind))
        .GetUser({"UserId": None})
        .User.UserName
    )


def report(kind: str, account: str = "30101") -> Any:
    manager = ReportingServiceManager(data(kind), poll_interval_in_milliseconds=10)
    scope = AccountThroughCampaignReportScope(AccountIds=[account])
    request = CampaignPerformanceReportRequest(ReportName="report", Scope=scope)
    wanted = ReportingDownloadParameters(request, directory, f"{kind}.csv", True)
    return Path(manager.download_file(wanted)).read_text("utf-8-sig")


def upload(kind: str) -> Any:
    manager = BulkServiceManager(data(kind), poll_interval_in_milliseconds=10)
    path = Path(directory) / f"{kind}-upload.csv"
    path.write_text("Type,Status,Id\nCampaign,Paused,7\n")
    wanted = FileUploadParameters(str(path), directory, f"{kind}-result.csv", True, False)
    return Path(manager.upload_file(wanted)).read_text()


def download(kind: str) -> Any:
    manager = BulkServiceManager(data(kind), poll_interval_in_milliseconds=10)
    wanted = DownloadParameters(
        result_file_directory=directory,
        result_file_name=f"{kind}-download.csv",
        overwrite_result_file=True,
        data_scope=["EntityData"],
        download_entities=[DownloadEntity.CAMPAIGNS],
    )
    return Path(manager.download_file(wanted)).read_text("utf-8-sig")


def foreign(kind: str) -> Any:
    try:
        return report(kind, "30201")
    except ApiException as error:
        return json.loads(error.body)["Errors"][0]["Code"]


def sign_in() -> Any:
    for table in (sdk._UriOAuthService.AUTH_TOKEN_URI, sdk._UriOAuthService.AUTHORIZE_URI):
        for key, url in table.items():
            for host in ("https://accounts.google.com", "https://oauth2.googleapis.com"):
                table[key] = table[key].replace(host, google) if host in url else table[key]
    grant = sdk.GoogleOAuthWebAuthCodeGrant(*given["client"])
    wish = {"url": grant.get_authorization_endpoint(), "user": "owner@gmail.example"}
    consent = requests.post(f"{platform}/_control/consent", json=wish, timeout=30)
    first = grant.request_oauth_tokens_by_response_uri(consent.json()["redirect"])
    second = grant.request_oauth_tokens_by_refresh_token(first.refresh_token)
    return [second.access_token != first.access_token, second.refresh_token == first.refresh_token]


print(
    json.dumps(
        {
            f"{call.__name__} {kind}": call(kind)
            for kind in ("microsoft", "google")
            for call in (user, report, upload, download, foreign)
        }
        | {"sign in": sign_in()}
    )
)
