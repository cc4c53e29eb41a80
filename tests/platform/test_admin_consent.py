"""`/adminconsent`: for an administrator, for others, and cancelled."""

from __future__ import annotations

from .application import ADS, FABRIKAM, Application
from .person import Person


def test_accept(application: Application, person: Person) -> None:
    person.open(application.admin_url()).click("admin@fabrikam.example")
    assert person.page == "admin_consent"
    back = person.click("accept").back
    assert back == {
        "admin_consent": "True",
        "tenant": "aaaaaaaa-1111-4000-8000-000000000002",
        "scope": ADS,
        "state": "admin-state",
    }
    owner = Person(application).open(application.authorize_url()).click(FABRIKAM)
    assert "code" in owner.back, "nobody in the tenant is asked again"


def test_accept_answers_pending_requests(application: Application, person: Person) -> None:
    application.platform.consent(application.authorize_url(), FABRIKAM, "request")
    person.open(application.admin_url(tenant="fabrikam.example"))
    person.click("admin@fabrikam.example").click("accept")
    assert [r["status"] for r in application.platform.approvals()] == ["approved"]


def test_cancel(application: Application, person: Person) -> None:
    person.open(application.admin_url()).click("admin@fabrikam.example")
    back = person.click("cancel").back
    assert back["error"] == "access_denied"
    assert back["admin_consent"] == "True"
    assert back["error_description"].startswith("AADSTS65004: ")
    assert "tenant" not in back


def test_other_tenant(application: Application, person: Person) -> None:
    person.open(application.admin_url(tenant="fabrikam.example"))
    back = person.click("admin@contoso.example").back
    assert (back["error"], back["admin_consent"]) == ("access_denied", "True")
    assert back["error_description"].startswith("AADSTS50020: ")


def test_not_an_administrator(application: Application, person: Person) -> None:
    person.open(application.admin_url()).click(FABRIKAM)
    assert person.page == "need_admin"
    assert "AADSTS90093" in person.answer.text


def test_common_is_refused(application: Application, person: Person) -> None:
    person.open(application.admin_url(tenant="common"))
    assert "AADSTS90130" in person.answer.text


def test_scope_and_redirect_are_checked(application: Application, person: Person) -> None:
    person.open(application.admin_url(redirect_uri="http://localhost:1/x"))
    assert "AADSTS50011" in person.answer.text
    assert person.open(application.admin_url(scope=None)).back["error"] == "invalid_request"
