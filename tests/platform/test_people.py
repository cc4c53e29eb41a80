"""The control API on users and tenants: what becomes of their grants."""

from __future__ import annotations

import pytest
import requests

from .application import ADS, FABRIKAM, OWNER, PERSONAL, Application, refusals, returned


@pytest.mark.parametrize("number", [50173, 70008, 700082])
def test_revoke_and_consent_again(application: Application, number: int) -> None:
    old = application.tokens()["refresh_token"]
    application.platform.revoke(OWNER, number)
    assert refusals(application.refresh(old)) == [number]
    new = application.tokens()["refresh_token"]
    assert application.refresh(new).status_code == 200
    assert refusals(application.refresh(old)) == [number], "dead for good"


def test_revoked_personal_account_has_no_number(application: Application) -> None:
    token = application.tokens(PERSONAL)["refresh_token"]
    application.platform.revoke(PERSONAL)
    body = application.refresh(token).json()
    assert (body["error"], "error_codes" in body) == ("invalid_grant", False)


def test_disable_and_enable(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "disable")
    assert refusals(application.refresh(token)) == [50057]
    application.platform.act(OWNER, "enable")
    assert application.refresh(token).status_code == 200


def test_require_mfa(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "require-mfa")
    assert refusals(application.refresh(token)) == [50076]
    assert application.refresh(application.tokens()["refresh_token"]).status_code == 200


def test_withdrawn_consent(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "withdraw-consent")
    answer = application.refresh(token)
    assert refusals(answer) == [65001]
    assert answer.json()["suberror"] == "consent_required"
    application.tokens()
    assert application.refresh(token).status_code == 200, "consent heals the old token too"


def test_deleted_user(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    application.platform.act(OWNER, "delete")
    assert refusals(application.refresh(token)) == [50034]


@pytest.mark.parametrize(
    ("user", "number"),
    [
        ("revoked@contoso.example", 50173),
        ("blocked@contoso.example", 53003),
        ("flaky@outlook.example", 70000),
    ],
)
def test_seeded_troubles(application: Application, user: str, number: int) -> None:
    token = application.tokens(user)["refresh_token"]
    assert refusals(application.refresh(token)) == [number]
    application.platform.user(user, troubles={})
    assert application.refresh(token).status_code == 200


@pytest.mark.parametrize("stage", ["consent", "code"])
def test_troubles_by_stage(application: Application, stage: str) -> None:
    application.platform.user(OWNER, troubles={stage: 65005})
    redirect = application.platform.consent(application.authorize_url(), OWNER).redirect
    assert redirect is not None
    if stage == "consent":
        assert returned(redirect)["error"] == "access_denied"
    else:
        assert refusals(application.redeem(returned(redirect)["code"])) == [65005]


def test_added_user(application: Application) -> None:
    added = application.platform.add_user("new@contoso.example", name="New", mfa_required=True)
    assert application.tokens("new@contoso.example")["scope"] == ADS
    assert added["object_id"] in {user["object_id"] for user in application.platform.users()}
    with pytest.raises(requests.HTTPError):
        application.platform.add_user("new@unknown.example", name="New")


def test_approval(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    asked = platform.consent(url, FABRIKAM, "request").redirect
    assert asked is not None
    assert "AADSTS90095" in returned(asked)["error_description"]
    assert [r["status"] for r in platform.decide("fabrikam.example", "deny")] == ["denied"]
    assert platform.consent(url, FABRIKAM, "accept").page == "approval"
    platform.consent(url, FABRIKAM, "request")
    assert [r["status"] for r in platform.decide("fabrikam.example", "approve")] == ["approved"]
    redirect = platform.consent(url, FABRIKAM).redirect
    assert redirect is not None
    assert "code" in returned(redirect)


def test_blocked_application(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    platform.consent(url, FABRIKAM, "request")
    platform.decide("fabrikam.example", "block")
    assert platform.consent(url, FABRIKAM).number == 7000112


def test_tenant_policy(application: Application) -> None:
    platform, url = application.platform, application.authorize_url()
    platform.tenant("contoso.example", user_consent="restricted")
    assert platform.consent(url, OWNER).number == 90094
    platform.tenant("contoso.example", workflow=True)
    assert platform.consent(url, OWNER).number == 90095
    for wrong in ({"user_consent": "maybe"}, {"nothing": 1}):
        with pytest.raises(requests.HTTPError):
            platform.tenant("contoso.example", **wrong)


def test_service_goes_away(application: Application) -> None:
    token = application.tokens()["refresh_token"]
    missing = ["https://ads.microsoft.com"]
    application.platform.tenant("contoso.example", missing_services=missing)
    answer = application.refresh(token)
    assert (refusals(answer), answer.json()["error"]) == ([650052], "invalid_client")
