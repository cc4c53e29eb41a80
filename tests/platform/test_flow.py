"""The way that works: consent, code, tokens, refresh, other resources."""

from __future__ import annotations

from datetime import UTC, datetime

import jwt
import pytest
import requests

from local.simulator.entra.directory import PERSONAL_TENANT

from .application import ADS, GRAPH, OWNER, PERSONAL, SCOPE, Application, returned

CONTOSO = "aaaaaaaa-1111-4000-8000-000000000001"


def test_success_redirect(application: Application) -> None:
    url = application.authorize_url(client_info="1")
    redirect = application.platform.consent(url, OWNER).redirect
    assert redirect is not None
    assert redirect.startswith(application.registration.redirect_uris[0] + "?code=")
    assert redirect.endswith("#")
    fields = returned(redirect)
    assert set(fields) == {"code", "client_info", "state", "session_state"}
    assert fields["state"] == "a state/with+odd&characters"


def test_work_tokens(application: Application) -> None:
    body = application.tokens()
    assert body["token_type"] == "Bearer"
    assert 3600 <= body["expires_in"] <= 5400
    assert body["ext_expires_in"] == body["expires_in"]
    assert body["scope"] == ADS
    assert body["access_token"].count(".") == 2
    assert "refresh_in" not in body
    assert body["refresh_token"]


@pytest.mark.parametrize(("user", "tid"), [(OWNER, CONTOSO), (PERSONAL, PERSONAL_TENANT)])
def test_id_token(application: Application, user: str, tid: str) -> None:
    base = application.platform.base_url
    token = application.tokens(user)["id_token"]
    keys = jwt.PyJWKClient(f"{base}/common/discovery/v2.0/keys")
    claims = jwt.decode(
        token,
        keys.get_signing_key_from_jwt(token),
        algorithms=["RS256"],
        audience=application.registration.client_id,
        issuer=f"{base}/{tid}/v2.0",
        options={"require": ["iss", "aud", "exp", "iat", "nbf", "nonce", "tid", "oid", "sub"]},
    )
    person = next(u for u in application.platform.users() if u["username"] == user)
    assert claims["tid"] == tid == person["tenant_id"]
    assert claims["oid"] == person["object_id"]
    assert claims["nonce"] == "nonce-1"
    assert claims["preferred_username"] == user
    assert claims["ver"] == "2.0"


def test_keys_name_their_issuer(application: Application) -> None:
    base = application.platform.base_url
    keys = requests.get(f"{base}/common/discovery/v2.0/keys", timeout=30).json()["keys"]
    issuers = [f"{base}/{{tenantid}}/v2.0", f"{base}/{PERSONAL_TENANT}/v2.0"]
    assert [key["issuer"] for key in keys] == issuers


def test_personal_tokens_are_opaque(application: Application) -> None:
    body = application.tokens(PERSONAL)
    assert body["access_token"].startswith("EwB")
    with pytest.raises(jwt.DecodeError):
        jwt.get_unverified_header(body["access_token"])
    assert body["refresh_token"].startswith("M.C5")


def test_refresh_rotates_and_old_tokens_stay_valid(application: Application) -> None:
    old = application.tokens()["refresh_token"]
    first = application.refresh(old).json()["refresh_token"]
    second = application.refresh(old).json()["refresh_token"]
    assert len({old, first, second}) == 3
    assert application.refresh(second).status_code == 200


def test_one_refresh_token_serves_every_consented_resource(application: Application) -> None:
    token = application.tokens(scope=f"{SCOPE} {GRAPH}")["refresh_token"]
    answer = application.refresh(token, scope=GRAPH).json()
    assert set(answer["scope"].split()) == {GRAPH, "openid", "profile"}
    short = application.refresh(token, scope="User.Read").json()
    assert set(short["scope"].split()) == {"User.Read", "openid", "profile"}
    several = application.refresh(token, scope=f"{ADS} {GRAPH}").json()
    assert several["scope"] == ADS, "the first scope's resource"


def test_every_consented_scope_is_answered(application: Application) -> None:
    base = "https://analysis.windows.net/powerbi/api"
    consented = f"openid profile offline_access {base}/Dataset.Read.All {base}/Report.Read.All"
    token = application.redeem(application.code(scope=consented), scope=consented).json()
    narrow = application.refresh(token["refresh_token"], scope=f"{base}/Report.Read.All").json()
    assert narrow["scope"] == f"{base}/Dataset.Read.All {base}/Report.Read.All"


@pytest.mark.parametrize(
    "resource",
    [
        "https://contoso.sharepoint.com/AllSites.Read",
        "https://org1.crm7.dynamics.com/user_impersonation",
        "https://org1.crm7.dynamics.com/.default",
        "d42ffc93-c136-491d-b4fd-6f18168c68fd/msads.manage",
    ],
)
def test_other_resources(application: Application, resource: str) -> None:
    scope = f"openid profile offline_access {resource}"
    answer = application.redeem(application.code(scope=scope), scope=scope)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"]


def test_refresh_token_only_with_offline_access(application: Application) -> None:
    scope = f"openid {ADS}"
    answer = application.redeem(application.code(scope=scope), scope=scope).json()
    assert "refresh_token" not in answer
    assert "id_token" in answer


def test_id_token_only_with_openid(application: Application) -> None:
    scope = f"offline_access {ADS}"
    answer = application.redeem(application.code(scope=scope), scope=scope).json()
    assert "id_token" not in answer
    assert "refresh_token" in answer


def test_personal_accounts_need_offline_access_in_each_request(application: Application) -> None:
    token = application.tokens(PERSONAL)["refresh_token"]
    assert "refresh_token" not in application.refresh(token, scope=ADS).json()
    assert "refresh_token" in application.refresh(token, scope=f"{ADS} offline_access").json()


def test_code_scope_may_be_absent_for_one_resource(application: Application) -> None:
    assert application.redeem(application.code(), scope=None).json()["scope"] == ADS


def test_second_sign_in_skips_consent(application: Application) -> None:
    application.code()
    page = application.platform.consent(application.authorize_url(), OWNER, "cancel")
    assert page.redirect is not None, "nothing left to cancel"
    assert "code" in returned(page.redirect)
    asked = application.platform.consent(
        application.authorize_url(prompt="consent"), OWNER, "cancel"
    )
    assert asked.redirect is not None
    assert returned(asked.redirect)["error"] == "access_denied"


@pytest.mark.parametrize("tenant", ["organizations", CONTOSO, "contoso.example"])
def test_tenant_segments(application: Application, tenant: str) -> None:
    answer = application.redeem(application.code(tenant=tenant), tenant=tenant)
    assert answer.status_code == 200
    again = application.refresh(answer.json()["refresh_token"], tenant=tenant)
    assert again.status_code == 200


def test_consumers_segment(application: Application) -> None:
    answer = application.redeem(application.code(PERSONAL, tenant="consumers"), tenant="consumers")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("segment", "issuer"),
    [
        ("common", "{tenantid}"),
        ("organizations", "{tenantid}"),
        ("consumers", PERSONAL_TENANT),
        ("contoso.example", CONTOSO),
    ],
)
def test_discovery(application: Application, segment: str, issuer: str) -> None:
    base = application.platform.base_url
    url = f"{base}/{segment}/v2.0/.well-known/openid-configuration"
    document = requests.get(url, timeout=30).json()
    assert document["issuer"] == f"{base}/{issuer}/v2.0"
    assert document["token_endpoint"].endswith("/oauth2/v2.0/token")
    assert requests.get(document["jwks_uri"], timeout=30).json()["keys"]
    assert "authorization_response_iss_parameter_supported" not in document


def test_settings_of_lifetime(application: Application) -> None:
    application.platform.settings(expires_in=5, refresh_in=2)
    body = application.tokens()
    assert (body["expires_in"], body["refresh_in"]) == (5, 2)


def test_correlation_id_is_the_callers(application: Application) -> None:
    wanted = "12345678-1234-4321-8765-123456789abc"
    form = application.refresh_form("unknown")
    body = application.post(form, headers={"client-request-id": wanted}).json()
    assert body["correlation_id"] == wanted
    moment = datetime.strptime(body["timestamp"], "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 10


def test_fragment_and_form_post(application: Application) -> None:
    url = application.authorize_url(response_mode="fragment")
    redirect = application.platform.consent(url, OWNER).redirect
    assert redirect is not None
    assert "#code=" in redirect
    page = application.platform.consent(application.authorize_url(response_mode="form_post"), OWNER)
    assert (page.page, page.redirect) == ("form_post", application.registration.redirect_uris[0])
    assert page.fields is not None
    assert application.redeem(page.fields["code"]).status_code == 200
