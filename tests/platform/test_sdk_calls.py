"""`msads` (REST) and `bingads` (SOAP), real packages, call the simulated Microsoft Advertising:
GetUser, a report, bulk files, with tokens of both providers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from bingads import authorization as sdk
from bingads.service_client import ServiceClient
from bingads.util import _PollingBlocker
from bingads.v13.bulk import BulkServiceManager, DownloadParameters, FileUploadParameters
from bingads.v13.reporting import ReportingDownloadParameters, ReportingServiceManager
from suds import WebFault

from local.template import ROOT

from .application import Application
from .google_application import GoogleApplication

PYTHON = ROOT / ".venv-msads" / "bin" / "python"
JOB = Path(__file__).with_name("msads_job.py")
BOTH = "both@contoso.example"


def test_msads(application: Application, at_google: GoogleApplication, tmp_path: Path) -> None:
    client = at_google.registration
    given = {
        "microsoft": application.tokens()["access_token"],
        "google": at_google.tokens()["access_token"],
        "client": [client.client_id, client.client_secret, client.redirect_uris[0]],
    }
    arguments = [application.platform.base_url, at_google.url, str(tmp_path)]
    job = subprocess.run(
        [str(PYTHON), str(JOB), *arguments],
        input=json.dumps(given) + "\n",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert job.returncode == 0, job.stderr[-2000:]
    outcomes: dict[str, Any] = json.loads(job.stdout.splitlines()[-1])
    assert outcomes["sign in"] == [True, True]
    assert outcomes["user microsoft"] == "owner@contoso.example"
    assert outcomes["user google"] == "owner@gmail.example"
    for kind in ("microsoft", "google"):
        assert "Contoso Japan,30101" in outcomes[f"report {kind}"]
        assert "Campaign,Paused,7" in outcomes[f"upload {kind}"]
        assert "Campaign of Contoso Japan" in outcomes[f"download {kind}"]
        assert outcomes[f"foreign {kind}"] == 2003
    kinds = [line["identity"] for line in application.platform.requests() if "identity" in line]
    assert set(kinds) == {"work", "google"}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_PollingBlocker, "INITIAL_STATUS_CHECK_INTERVAL_IN_MS", 10)


@pytest.fixture(params=["microsoft", "google"])
def data(
    request: pytest.FixtureRequest, application: Application, at_google: GoogleApplication
) -> sdk.AuthorizationData:
    """The SDK's own classes; its SOAP library drops the header that names the provider."""
    application.platform.settings(identity_provider_header="optional")
    if request.param == "google":
        token, kind = at_google.tokens()["access_token"], sdk.GoogleOAuthWebAuthCodeGrant
    else:
        token, kind = application.tokens()["access_token"], sdk.OAuthWebAuthCodeGrant
    grant = kind("client", "secret", "http://localhost/", oauth_tokens=sdk.OAuthTokens(token, 3600))
    return sdk.AuthorizationData("30101", "201", "SIMULATED01DEV", grant)


@pytest.mark.usefixtures("quick")
def test_bingads(application: Application, data: sdk.AuthorizationData, tmp_path: Path) -> None:
    base = application.platform.base_url
    customers = f"{base}/Api/CustomerManagement/v13/CustomerManagementService.svc"
    client = ServiceClient("CustomerManagementService", 13, data, location=customers)
    assert str(client.GetUser(UserId=None).User.UserName).startswith("owner@")
    answer = client.GetAccountsInfo(CustomerId=None, OnlyParentAccounts=False)
    assert [str(info.Id) for info in answer.AccountInfo] == ["30101", "30102"]

    location = f"{base}/Api/Advertiser/Reporting/v13/ReportingService.svc"
    reports = ReportingServiceManager(data, 10, location=location)
    request = reports.service_client.factory.create("AccountPerformanceReportRequest")
    request.ReportName, request.Format, request.Aggregation = "report", "Csv", "Summary"
    scope = reports.service_client.factory.create("AccountReportScope")
    scope.AccountIds = {"long": ["30101"]}
    request.Scope = scope
    request.Time = None
    request.Filter = None
    request.Columns = {"AccountPerformanceReportColumn": ["AccountName"]}
    wanted = ReportingDownloadParameters(request, str(tmp_path), "report.csv", True)
    assert "Contoso Japan,30101" in Path(reports.download_file(wanted)).read_text("utf-8-sig")

    location = f"{base}/Api/Advertiser/CampaignManagement/v13/BulkService.svc"
    bulk = BulkServiceManager(data, 10, location=location)
    path = tmp_path / "upload.csv"
    path.write_text("Type,Status,Id\nCampaign,Paused,7\n")
    upload = FileUploadParameters(str(path), str(tmp_path), "result.csv", True, False)
    assert "Campaign,Paused,7" in Path(bulk.upload_file(upload)).read_text()
    download = DownloadParameters(
        result_file_directory=str(tmp_path),
        result_file_name="download.csv",
        overwrite_result_file=True,
        data_scope=["EntityData"],
        download_entities=["Campaigns"],
    )
    assert "Contoso Japan" in Path(bulk.download_file(download)).read_text("utf-8-sig")


@pytest.mark.parametrize("shape", ["AdApiFaultDetail", "ApiFault"])
def test_bingads_meets_126(application: Application, shape: str) -> None:
    """In SOAP, where every fault is HTTP 500 and says itself only in its detail."""
    token = sdk.OAuthTokens(application.tokens(BOTH)["access_token"], 3600)
    grant = sdk.OAuthWebAuthCodeGrant("client", "secret", "http://localhost/", oauth_tokens=token)
    data = sdk.AuthorizationData("30101", "201", "SIMULATED01DEV", grant)
    url = f"{application.platform.base_url}/Api/CustomerManagement/v13/"
    client = ServiceClient(
        "CustomerManagementService", 13, data, location=url + "CustomerManagementService.svc"
    )
    if shape == "ApiFault":
        fault = {"kind": "api", "code": 126, "shape": shape, "detail": "GoogleAccountIsRequired"}
        application.platform.fault("advertising", fault, match={"operation": "GetUser"})
    with pytest.raises(WebFault, match="Invalid client data") as caught:
        client.GetUser(UserId=None)
    detail = caught.value.fault.detail
    error = (
        detail.AdApiFaultDetail.Errors.AdApiError
        if shape == "AdApiFaultDetail"
        else detail.ApiFault.OperationErrors.OperationError
    )
    error = error[0] if isinstance(error, list) else error
    assert str(error.Code) == "126"
    assert "GoogleAccountIsRequired" in str(error)
