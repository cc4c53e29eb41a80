"""What operators send: every field, every way to get it wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import Expected, Status
from broker.domain.contacts import Contact
from broker.domain.credentials import CredentialKind
from broker.domain.grants import Grant
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.web import bodies, representation
from tests.unit.test_policy import connection

MINIMAL = {"connection": "marketing-jp", "service": "microsoft-advertising"}
GUID = "9188040d-6c67-4c5b-b112-36a304b66dad"
BEFORE = replace(connection(None), contacts={"owner": Contact("owner@example.co.jp", "ja")})
READERS: list[Callable[[Any], object]] = [
    bodies.creation,
    bodies.change,
    bodies.renewal,
    bodies.refresh_token,
    bodies.refresh,
]


def refused(work: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        work()
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value.detail


def test_the_smallest_creation() -> None:
    found = bodies.creation(MINIMAL)
    assert (found.connection, found.service.name) == ("marketing-jp", "microsoft-advertising")
    assert (found.grants, found.labels, found.parameters) == ((), {}, {})
    assert (found.identity_provider, found.send_link, found.contacts) == ("microsoft", False, {})
    assert found.account == Expected()
    nulls = dict.fromkeys(set(bodies.names(bodies.Creation)) - MINIMAL.keys())
    assert bodies.creation({**MINIMAL, **nulls}) == found


def test_the_largest_creation() -> None:
    found = bodies.creation(
        {
            **MINIMAL,
            "tenant": GUID.upper(),
            "scopes": ["https://ads.microsoft.com/msads.manage"],
            "account": {"username": "山田@example.com", "object_id": GUID, "tenant_id": GUID},
            "grants": [{"principal": "111122223333"}],
            "labels": {"チーム": "広告", "a/b:c=d": ""},
            "parameters": {"developer_token": "canary", "customer_id": 42, "account_id": "43"},
            "identity_provider": "microsoft",
            "display_name": "日本の広告レポート",
            "purpose": "Monthly reports & budgets",
            "contacts": {"owner": {"email": "a+b@example.co.jp"}, "tenant_admin": None},
        }
    )
    assert found.tenant == GUID
    assert found.grants == (Grant("111122223333"),)
    assert found.parameters["customer_id"] == Secret("42")
    assert (found.display_name, found.purpose) == (
        "日本の広告レポート",
        "Monthly reports & budgets",
    )
    assert found.contacts == {"owner": Contact("a+b@example.co.jp")}
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"connection": None}, "connection"),
        ({"connection": "../x"}, "connection"),
        ({"connection": "x" * 10_000}, "connection"),
        ({"service": "other"}, "service"),
        ({"service": None}, "service"),
        ({"resource": 1}, "resource"),
        ({"tenant": "../x"}, "tenant"),
        ({"tenant": 1}, "tenant"),
        ({"scopes": "User.Read"}, "scopes"),
        ({"account": "me"}, "account"),
        ({"account": {"upn": "me"}}, "account"),
        ({"account": {"username": ""}}, "account.username"),
        ({"account": {"username": "a\x00b"}}, "account.username"),
        ({"account": {"username": "\ud800"}}, "account.username"),
        ({"account": {"username": "x" * 257}}, "account.username"),
        ({"account": {"object_id": "me"}}, "account.object_id"),
        ({"account": {"tenant_id": 1}}, "account.tenant_id"),
        ({"grants": {}}, "grants"),
        ({"grants": [{"principal": "*"}]}, "grants[0].principal"),
        ({"labels": []}, "labels"),
        ({"labels": ""}, "labels"),
        ({"labels": False}, "labels"),
        ({"labels": {"": "x"}}, "labels"),
        ({"labels": {"a": 1}}, "labels"),
        ({"labels": {"a": "b\nc"}}, "labels"),
        ({"labels": {"a": "\ud800"}}, "labels"),
        ({"labels": {"\ud800": "a"}}, "labels"),
        ({"labels": {"a": "x" * 257}}, "labels"),
        ({"labels": {str(number): "" for number in range(51)}}, "labels"),
        ({"parameters": []}, "parameters"),
        ({"parameters": 0}, "parameters"),
        ({"parameters": {"password": "x"}}, "parameters"),
        ({"parameters": {"developer_token": "a b"}}, "parameters.developer_token"),
        ({"parameters": {"developer_token": ""}}, "parameters.developer_token"),
        ({"parameters": {"developer_token": "x" * 257}}, "parameters.developer_token"),
        ({"parameters": {"customer_id": "x"}}, "parameters.customer_id"),
        ({"parameters": {"customer_id": -1}}, "parameters.customer_id"),
        ({"parameters": {"customer_id": True}}, "parameters.customer_id"),
        ({"parameters": {"account_id": 1.5}}, "parameters.account_id"),
        ({"account": {"subject": ""}}, "account.subject"),
        ({"account": {"subject": "é"}}, "account.subject"),
        ({"account": {"subject": "1234"}}, "account.subject: is Google's"),
        ({"identity_provider": "google"}, "identity_provider: google is not configured"),
        ({"identity_provider": "github"}, "identity_provider"),
        ({"identity_provider": ["google"]}, "identity_provider"),
        ({"display_name": ""}, "display_name"),
        ({"display_name": " "}, "display_name"),
        ({"display_name": "x" * 101}, "display_name"),
        ({"display_name": "canary\nBcc: x"}, "display_name"),
        ({"display_name": "canary\u202e"}, "display_name"),
        ({"display_name": "\ud800"}, "display_name"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"purpose": ["canary"]}, "purpose"),
        ({"contacts": []}, "contacts"),
        ({"contacts": {"boss": {}}}, "contacts"),
        ({"contacts": {"owner": "a@b.example"}}, "contacts.owner"),
        ({"contacts": {"owner": {}}}, "contacts.owner.email"),
        ({"contacts": {"owner": {"mail": "x"}}}, "contacts.owner"),
        ({"contacts": {"owner": {"email": "canary"}}}, "contacts.owner.email"),
        ({"contacts": {"owner": {"email": "a@b"}}}, "contacts.owner.email"),
        (
            {"contacts": {"owner": {"email": "a@b.example\nBcc: c@d.example"}}},
            "contacts.owner.email",
        ),
        ({"contacts": {"owner": {"email": "山田@example.com"}}}, "contacts.owner.email"),
        ({"contacts": {"owner": {"email": "a b@c.example"}}}, "contacts.owner.email"),
        ({"contacts": {"owner": {"email": "x" * 65 + "@c.example"}}}, "contacts.owner.email"),
        ({"contacts": {"owner": {"email": "a@b.example", "language": "fr"}}}, ".language"),
        ({"send_link": "yes"}, "send_link"),
        ({"suspended": True}, "unknown"),
        ({"canary-unknown": 1}, "unknown"),
    ],
)
def test_what_is_no_creation(fields: dict[str, Any], named: str) -> None:
    detail = refused(lambda: bodies.creation({**MINIMAL, **fields}))
    assert named in detail
    assert "canary" not in detail


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", [None, [], "x", 1, True, [{}], {"unknown": 1}])
def test_what_is_no_body(reader: Callable[[Any], object], data: object) -> None:
    assert refused(lambda: reader(data)).startswith("body:")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"version": "1"}, "version"),
        ({"version": True}, "version"),
        ({"version": 1.0}, "version"),
        ({"suspended": "yes"}, "suspended"),
        ({"suspended": 0}, "suspended"),
        ({"labels": []}, "labels"),
        ({"parameters": False}, "parameters"),
        ({"grants": {}}, "grants"),
        ({"connection": "x"}, "unknown"),
        ({"scopes": []}, "unknown"),
    ],
)
def test_what_is_no_change(fields: dict[str, Any], named: str) -> None:
    assert named in refused(lambda: bodies.change(fields))


def test_changes() -> None:
    """RFC 7396: null removes."""
    assert bodies.change({}) == bodies.change({"version": None}) == bodies.Change()
    wiped = bodies.change(dict.fromkeys(bodies.names(bodies.Change)))
    before = replace(BEFORE, display_name="d", purpose="p", suspended=True)
    assert wiped.applied(before) == {
        "display_name": "",
        "purpose": "",
        "grants": (),
        "suspended": False,
        "labels": {},
        "contacts": {},
    }
    assert bodies.change({}).applied(before) == {
        name: getattr(before, name) for name in wiped.applied(before)
    }
    assert dict(wiped.parameters) == {
        "developer_token": None,
        "customer_id": None,
        "account_id": None,
    }


def test_merged_labels_stay_few() -> None:
    before = replace(BEFORE, labels={str(number): "" for number in range(50)})
    change = bodies.change({"labels": {"x": "1"}})
    assert "labels" in refused(lambda: change.applied(before))
    swapped = bodies.change({"labels": {"x": "1", "0": None}})
    assert swapped.applied(before)["labels"]["x"] == "1"


def test_contacts_are_merged_person_by_person() -> None:
    """RFC 7396 goes into objects: a language alone may change."""

    def after(patch: object) -> Any:
        return bodies.change({"contacts": patch}).applied(BEFORE)["contacts"]

    owner, admin = BEFORE.contacts["owner"], Contact("admin@example.com", "en")
    assert after({"owner": {"language": None}}) == {"owner": Contact(owner.email)}
    assert after({"owner": {"email": "new@example.com"}}) == {
        "owner": Contact("new@example.com", "ja")
    }
    assert after({"tenant_admin": {"email": admin.email, "language": "en"}}) == {
        "owner": owner,
        "tenant_admin": admin,
    }
    assert after({"owner": None}) == {}
    assert after(None) == {}
    assert after({}) == BEFORE.contacts
    for incomplete in ({"tenant_admin": {"language": "en"}}, {"owner": {"email": None}}):
        assert "email: is needed" in refused(lambda patch=incomplete: after(patch))  # type: ignore[misc]


def test_a_link_is_mailed_only_where_somebody_is_named() -> None:
    assert "contacts.owner" in refused(lambda: bodies.creation({**MINIMAL, "send_link": True}))
    contacts = {"owner": {"email": "owner@example.co.jp", "language": "ja"}}
    found = bodies.creation({**MINIMAL, "send_link": True, "contacts": contacts})
    assert found.send_link
    assert found.contacts == BEFORE.contacts


def test_renewals() -> None:
    assert bodies.renewal({}) == bodies.Renewal()
    assert bodies.renewal({"allow_account_change": True}).allow_account_change
    for wrong in ({"allow_account_change": "yes"}, {"scopes": "x"}, {"allow_account_change": 1}):
        refused(lambda wrong=wrong: bodies.renewal(wrong))  # type: ignore[misc]


@pytest.mark.parametrize("text", [None, "", "a b", "é", "x" * 16_385, 1, ["canary"], "canary\n"])
def test_what_is_no_refresh_token(text: object) -> None:
    assert "canary" not in refused(lambda: bodies.refresh_token({"refresh_token": text}))


def test_a_refresh_token() -> None:
    found = bodies.refresh_token({"refresh_token": "0.AXEA-_.~+/=canary"})
    assert found.open().endswith("canary")
    assert "canary" not in repr(found)


@pytest.mark.parametrize("wrong", ["", "Certificate", "mtls", 1, ["secret"], {"kind": "secret"}])
def test_what_is_no_kind_of_client_authentication(wrong: object) -> None:
    detail = refused(lambda: bodies.refresh({"client_authentication": wrong}))
    assert detail == "client_authentication: must be one of certificate, federated, secret."


def test_kinds_of_client_authentication() -> None:
    assert bodies.refresh({}) == bodies.refresh({"client_authentication": None}) == bodies.Refresh()
    found = bodies.refresh({"client_authentication": "federated"})
    assert found.client_authentication is CredentialKind.FEDERATED


def test_listings() -> None:
    assert bodies.listing({}) == bodies.Listing(None, 50, None)
    cursor = representation.cursor(("blocked", "marketing-jp"))
    found = bodies.listing({"status": ["active"], "limit": ["100"], "cursor": [cursor]})
    assert found == bodies.Listing(Status.ACTIVE, 100, ("blocked", "marketing-jp"))


@pytest.mark.parametrize(
    "query",
    [
        *({"status": ["x"]}, {"status": [""]}, {"status": ["active", "active"]}, {"x": ["1"]}),
        *({"limit": ["0"]}, {"limit": ["101"]}, {"limit": ["-1"]}, {"limit": ["x"]}),
        *({"limit": ["1" * 5000]}, {"cursor": [""]}, {"cursor": ["x"]}, {"cursor": ["é"]}),
        *({"cursor": ["W10"]}, {"cursor": ["e30"]}, {"cursor": ["W1tb" * 5000]}),
        {"cursor": [representation.cursor(("active", ""))]},
        {"cursor": [representation.cursor(("active", "../x"))]},
        {"cursor": [representation.cursor(("nothing", "x"))]},
    ],
)
def test_what_is_no_listing(query: dict[str, list[str]]) -> None:
    refused(lambda: bodies.listing(query))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        *("connection", "service", "resource", "tenant", "scopes", "account", "grants", "labels"),
        *("parameters", "suspended", "version", "allow_account_change", "refresh_token"),
        *("display_name", "purpose", "contacts", "send_link", "identity_provider"),
    ]
)


@given(st.sampled_from(READERS), st.dictionaries(FIELDS, JSON) | JSON)
def test_any_json_is_read_or_refused(reader: Callable[[Any], object], data: Any) -> None:
    base = MINIMAL if reader is bodies.creation else {}
    merged = {**base, **data} if isinstance(data, dict) else data
    try:
        reader(merged)
    except Problem as problem:
        assert json.dumps(problem.as_dict())  # noqa: PT017
        assert problem.code == "invalid_request"  # noqa: PT017


@given(st.text())
def test_any_cursor_is_read_or_refused(text: str) -> None:
    try:
        status, name = representation.position(text)
    except Problem:
        return
    assert status in {*Status}
    assert name
