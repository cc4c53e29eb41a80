"""The pages, clicked as a person would: forms followed over plain HTTP."""

from __future__ import annotations

import pytest
import requests

from .application import ADS, FABRIKAM, OWNER, PERSONAL, SCOPE, Application
from .person import Forms, Person

NORTHWIND = "owner@northwind.example"


def test_accept(application: Application, person: Person) -> None:
    person.open(application.authorize_url(login_hint=OWNER))
    assert (person.page, person.answer.status_code) == ("account", 200)
    assert Forms(person.answer.text).forms[0]["buttons"] == [("user", OWNER)], "the hinted one"
    person.click(OWNER)
    assert person.page == "consent"
    for shown in ("Token Broker", OWNER, ADS, "Maintain access to data"):
        assert shown in person.answer.text
    assert person.buttons() == {"accept", "cancel"}
    assert "organization" not in person.answer.text
    assert application.redeem(person.click("accept").back["code"]).status_code == 200


def test_pages_are_whole_and_without_scripts(application: Application, person: Person) -> None:
    for page in (person.open(application.authorize_url()), person.click(OWNER)):
        html = page.answer.text
        assert html.startswith("<!DOCTYPE html>")
        assert '<html lang="en">' in html
        assert "<script" not in html
        assert page.answer.headers["Cache-Control"] == "no-store"


def test_cancel(application: Application, person: Person) -> None:
    back = person.open(application.authorize_url()).click(OWNER).click("cancel").back
    assert back["error"] == "access_denied"
    assert back["error_subcode"] == "cancel"
    assert back["error_description"].startswith("AADSTS65004: ")
    assert back["error_uri"].endswith("/error?code=65004")
    assert back["state"] == "a state/with+odd&characters"


def test_cancel_in_its_other_form(application: Application, person: Person) -> None:
    application.platform.settings(decline_error="consent_required")
    back = person.open(application.authorize_url()).click(OWNER).click("cancel").back
    assert back["error"] == "consent_required"


def test_cancel_of_a_personal_account_has_no_number(
    application: Application, person: Person
) -> None:
    back = person.open(application.authorize_url()).click(PERSONAL).click("cancel").back
    assert back["error"] == "access_denied"
    assert "AADSTS" not in back["error_description"]
    assert "error_uri" not in back


def test_request_approval(application: Application, person: Person) -> None:
    person.open(application.authorize_url()).click(FABRIKAM)
    assert person.page == "approval"
    assert "Approval required" in person.answer.text
    assert person.buttons() == {"request", "return", "another"}
    assert person.click("request", reason=" ").page == "approval", "a reason is needed"
    assert person.click("request", reason="We need reports").page == "requested"
    back = person.click("return").back
    assert back["error"] == "access_denied"
    assert back["error_description"].startswith("AADSTS90095: ")
    [request] = application.platform.approvals()
    assert request["user"] == FABRIKAM
    assert request["reason"] == "We need reports"
    assert request["status"] == "pending"
    assert ADS in request["scopes"]


def test_back_without_a_request(application: Application, person: Person) -> None:
    back = person.open(application.authorize_url()).click(FABRIKAM).click("return").back
    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")
    assert application.platform.approvals() == []


def test_need_admin_approval_offers_no_request(application: Application, person: Person) -> None:
    person.open(application.authorize_url()).click(NORTHWIND)
    assert person.page == "need_admin"
    assert person.buttons() == {"return", "another"}
    back = person.click("return").back
    assert (back["error"], back["error_subcode"]) == ("access_denied", "cancel")
    assert back["error_description"].startswith("AADSTS65004: ")


def test_admin_signs_in_instead(application: Application, person: Person) -> None:
    person.open(application.authorize_url()).click(NORTHWIND).click("another")
    person.click("admin@northwind.example")
    assert person.page == "consent"
    assert "Consent on behalf of your organization" in person.answer.text
    assert "code" in person.click("accept", organization="on").back
    owner = Person(application).open(application.authorize_url()).click(NORTHWIND)
    assert "code" in owner.back, "the organization's consent covers the owner"


def test_admin_without_the_box_consents_for_himself(
    application: Application, person: Person
) -> None:
    person.open(application.authorize_url()).click("admin@northwind.example")
    assert "code" in person.click("accept").back
    owner = Person(application).open(application.authorize_url()).click(NORTHWIND)
    assert owner.page == "need_admin"


def test_admin_only_scopes(application: Application, person: Person) -> None:
    person.open(application.authorize_url(scope="Directory.Read.All")).click(OWNER)
    assert person.page == "need_admin"


def test_mfa(application: Application, person: Person) -> None:
    url, user = application.authorize_url(), "mfa@contoso.example"
    assert person.open(url).click(user).page == "mfa"
    assert person.buttons() == {"approve", "skip", "deny"}
    assert person.click("deny").page == "error"
    assert "AADSTS500121" in person.answer.text
    skipped = Person(application).open(url).click(user).click("skip").click("accept").back
    token = application.redeem(skipped["code"]).json()["refresh_token"]
    body = application.refresh(token).json()
    assert (body["error"], body["error_codes"], body["suberror"]) == (
        "invalid_grant",
        [50076],
        "basic_action",
    )
    assert "capolids" in body["claims"]
    approved = Person(application).open(url).click(user).click("approve").back
    token = application.redeem(approved["code"]).json()["refresh_token"]
    assert application.refresh(token).status_code == 200


ERROR_PAGES = [
    ("disabled@contoso.example", 50057),
    ("unassigned@contoso.example", 50105),
    ("device@contoso.example", 53000),
]


@pytest.mark.parametrize(("user", "number"), ERROR_PAGES)
def test_error_pages_never_return(
    application: Application, person: Person, user: str, number: int
) -> None:
    person.open(application.authorize_url()).click(user)
    assert person.page == "error"
    for shown in (f"AADSTS{number}", "Trace ID: ", "Correlation ID: ", "Timestamp: "):
        assert shown in person.answer.text


def test_tenant_without_the_service(application: Application, person: Person) -> None:
    back = person.open(application.authorize_url()).click("owner@adatum.example").back
    assert back["error"] == "invalid_client"
    assert back["error_description"].startswith("AADSTS650052: ")
    application.platform.tenant("adatum.example", missing_services=[])
    person.open(application.authorize_url()).click("owner@adatum.example")
    assert "code" in person.click("accept").back


def test_legacy_consent(application: Application) -> None:
    body = application.tokens("legacy@contoso.example")
    assert body["scope"] == "https://ads.microsoft.com/ads.manage"
    application.platform.user("legacy@contoso.example", legacy=False)
    assert ADS in application.tokens("legacy@contoso.example")["scope"].split()


def test_values_are_escaped(application: Application, person: Person) -> None:
    evil = "<img src=x onerror=alert(1)>"
    application.platform.client(application.registration.client_id, name=evil)
    person.open(application.authorize_url()).click(FABRIKAM)
    assert evil not in person.answer.text
    assert "&lt;img" in person.answer.text


def test_steps_out_of_turn(application: Application, person: Person) -> None:
    person.open(application.authorize_url())
    url = f"{person.base}/signin/{person.answer.headers['X-Visit']}"
    early = requests.post(url, data={"action": "accept"}, allow_redirects=False, timeout=30)
    assert early.status_code == 400
    assert "Location" not in early.headers
    person.click(OWNER).click("accept")
    late = requests.post(url, data={"action": "accept"}, allow_redirects=False, timeout=30)
    assert (late.status_code, "AADSTS50089" in late.text) == (400, True)


def test_form_post(application: Application, person: Person) -> None:
    person.open(application.authorize_url(response_mode="form_post")).click(OWNER).click("accept")
    [form] = Forms(person.answer.text).forms
    assert form["action"] == application.registration.redirect_uris[0]
    assert set(form["fields"]) == {"code", "state", "session_state"}


def test_home_lists_the_users(application: Application, person: Person) -> None:
    html = person.open(application.platform.base_url + "/").answer.text
    assert all(user["username"] in html for user in application.platform.users())


def test_error_lookup(application: Application, person: Person) -> None:
    person.open(f"{application.platform.base_url}/error?code=50173")
    assert "AADSTS50173" in person.answer.text
    assert person.open(f"{application.platform.base_url}/error?code=<b>").answer.ok


def test_scope_constant_is_what_the_pages_show(application: Application, person: Person) -> None:
    html = person.open(application.authorize_url()).click(OWNER).answer.text
    assert all(name in html for name in SCOPE.split())
