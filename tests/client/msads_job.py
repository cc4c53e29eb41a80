"""A job under `msads`, which excludes the SDK of the other tests: run in an environment of its own.

    python msads_job.py BROKER ADVERTISING DIRECTORY SCENARIO...

Prints a line of JSON for each scenario. The scenario's name is its developer token, by which the
service knows how to answer.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bingads.authorization import Authentication, AuthorizationData
from bingads.service_client import ServiceClient
from bingads.util import _PollingBlocker
from bingads.v13.bulk import BulkServiceManager, FileUploadParameters
from bingads.v13.reporting import ReportingDownloadParameters, ReportingServiceManager
from botocore.credentials import Credentials
from openapi_client.models.reporting import AccountPerformanceReportRequest

from token_broker import TokenBroker
from token_broker.bingads import authorization_data, renewing

broker_url, advertising_url, directory, *scenarios = sys.argv[1:]


class Session:
    region_name = "eu-west-1"

    def get_credentials(self) -> Credentials:
        return Credentials("AKIDEXAMPLE", "canary-secret-key", "canary-session-token")


_PollingBlocker.INITIAL_STATUS_CHECK_INTERVAL_IN_MS = 10  # the SDK would wait a second
broker = TokenBroker(broker_url, session=Session())
ServiceClient.endpoints["production"] = dict.fromkeys(
    ("reporting", "bulk", "customermanagement"), advertising_url
)


def data(scenario: str) -> AuthorizationData:
    connection = "google" if "google" in scenario else "ads"
    return authorization_data(broker, connection, developer_token=scenario, account_id="8")


def user(scenario: str, wrap: Callable[[Any], Any] = renewing) -> Any:
    client = wrap(ServiceClient("CustomerManagementService", 13, data(scenario)))
    return client.GetUser({"UserId": None}).User.UserName


def bare(scenario: str) -> Any:
    return user(scenario, lambda client: client)


def report(scenario: str) -> Any:
    manager = renewing(ReportingServiceManager(data(scenario), poll_interval_in_milliseconds=10))
    request = AccountPerformanceReportRequest(ReportName="report")
    wanted = ReportingDownloadParameters(request, directory, f"{scenario}.csv", True)
    return Path(manager.download_file(wanted)).read_text()


def bulk(scenario: str) -> Any:
    manager = renewing(BulkServiceManager(data(scenario), poll_interval_in_milliseconds=10))
    path = Path(directory) / f"{scenario}.csv"
    path.write_text("Type,Status,Id\n")
    wanted = FileUploadParameters(str(path), directory, f"{scenario}-result.csv", True, False)
    return Path(manager.upload_file(wanted)).read_text()


def stranger(scenario: str) -> Any:
    return renewing(ServiceClient("Bulk", 13, AuthorizationData("1", "2", scenario, Foreign())))


class Foreign(Authentication):  # type: ignore[misc]  # the SDK has no types
    def enrich_headers(self, headers: dict[str, str]) -> None:
        headers["Authorization"] = "Bearer foreign"


KINDS = {"user": user, "bare": bare, "report": report, "bulk": bulk, "stranger": stranger}

for scenario in scenarios:
    try:
        outcome = {"value": KINDS[scenario.split("-")[0]](scenario)}
    except Exception as error:  # noqa: BLE001 (the test looks at whatever it is)
        outcome = {"error": type(error).__name__}
    print(json.dumps({scenario: outcome}), flush=True)
