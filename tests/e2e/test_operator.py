"""The operators' routes over signed HTTP: lists, changes, links, refresh, import."""

from __future__ import annotations

import re
from typing import Any

from local.browser import Browser
from tests.e2e.harness import ADS, LOG_SECONDS, Stack, refused, until

SCOPES = f"openid profile offline_access {ADS}/msads.manage"


def listed(stack: Stack, **query: str) -> dict[str, dict[str, Any]]:
    """Every connection on all pages, by name; the stack is other tests' as well."""
    found: list[dict[str, Any]] = []
    while True:
        answer = stack.operator.get("/connections", **query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert set(page) == {"connections", "next_cursor"}
        if "limit" in query:
            assert len(page["connections"]) <= int(query["limit"])
        found += page["connections"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    named = {shown["connection"]: shown for shown in found}
    assert len(named) == len(found), "a connection on two pages"
    return named


def test_a_list_goes_on_where_it_stopped(stack: Stack) -> None:
    pending = {stack.create()["connection"] for _ in range(3)}
    active = stack.connect()
    assert pending | {active} <= set(listed(stack, limit="2"))
    for status, made in (("pending", pending), ("active", {active})):
        found = listed(stack, status=status)
        assert made <= set(found)
        assert {shown["status"] for shown in found.values()} == {status}
    assert listed(stack, status="active")[active] == stack.show(active)


def test_a_merge_patch(stack: Stack) -> None:
    name = stack.connect(labels={"team": "ads", "cost": "42"}, parameters={"customer_id": 201})
    path, before = f"/connections/{name}", stack.show(name)
    answer = stack.operator.patch(path, {"labels": {"cost": None, "月": "十一"}})
    assert answer.status_code == 200
    after = answer.json()
    assert after["labels"] == {"team": "ads", "月": "十一"}
    assert after["version"] == before["version"] + 1
    unchanged = set(before) - {"labels", "version"}
    assert {key: after[key] for key in unchanged} == {key: before[key] for key in unchanged}

    wish = {"version": before["version"], "labels": {"team": "late"}}
    refused(stack.operator.patch(path, wish), 409, "conflict")
    assert stack.show(name)["labels"]["team"] == "ads"

    grants = [{"principal": stack.team_b.role_arn, "scopes": [f"{ADS}/msads.manage"]}]
    wish = {"version": after["version"], "grants": grants, "parameters": {"account_id": "30101"}}
    answer = stack.operator.request(
        "PATCH",
        path,
        body=wish,
        headers={"Content-Type": "application/merge-patch+json"},
    )
    assert answer.status_code == 200
    assert answer.json()["grants"] == grants
    refused(stack.team_a.get(f"{path}/token"), 403, "access_denied")
    token = stack.team_b.get(f"{path}/token").json()
    assert token["parameters"] == {"customer_id": "201", "account_id": "30101"}
    stack.operator.patch(path, {"parameters": None})
    assert stack.team_b.get(f"{path}/token").json()["parameters"] == {}


def test_a_grant_limited_to_other_scopes_gets_no_token(stack: Stack) -> None:
    limited = [{"principal": stack.team_a.role_arn, "scopes": ["User.Read"]}]
    name = stack.connect(grants=limited)
    refused(stack.team_a.get(f"/connections/{name}/token"), 422, "scope_not_granted")


def test_new_links_end_the_old_ones(stack: Stack) -> None:
    created, user = stack.create(), stack.user()
    name = created["connection"]
    newer = stack.operator.post(f"/connections/{name}/authorizations", {})
    assert newer.status_code == 201
    assert set(newer.json()) == {
        *("authorize_url", "admin_consent_url", "expires_at"),
        *("admin_forecast", "admin_forecast_reason"),
    }
    for old in (created["authorize_url"], created["admin_consent_url"]):
        assert Browser().open(old).status_code == 400
    stack.consent(newer.json()["authorize_url"], user)
    # The link ended with its success; another account needs the operator's leave.
    assert Browser().open(newer.json()["authorize_url"]).status_code == 400
    page = Browser().consent(stack.renew(name), stack.platform, stack.user())
    assert page.status_code == 409
    assert stack.show(name)["account"]["username"] == user
    other = stack.user()
    stack.consent(stack.renew(name, allow_account_change=True), other)
    shown = stack.show(name)
    assert (shown["account"]["username"], shown["generation"]) == (other, 2)


def test_refresh_now(stack: Stack) -> None:
    name = stack.connect()
    first = stack.fetch(name)["access_token"]
    answer = stack.operator.post(f"/connections/{name}/refresh")
    assert answer.status_code == 200
    assert answer.json() == stack.show(name)
    assert answer.json()["generation"] == 2
    assert stack.fetch(name)["access_token"] != first
    pending = stack.create()["connection"]
    refused(stack.operator.post(f"/connections/{pending}/refresh"), 409, "authorization_pending")


def test_an_import_counts_once_it_is_proven(stack: Stack) -> None:
    user = stack.user()
    minted = stack.platform.mint(user, SCOPES)
    name = stack.create()["connection"]
    path = f"/connections/{name}/refresh-token"

    before = stack.item(name)
    refused(
        stack.operator.put(path, {"refresh_token": "not-a-token"}), 422, "refresh_token_refused"
    )
    assert stack.item(name) == before
    assert stack.kept(name) is None

    answer = stack.operator.put(path, {"refresh_token": minted["refresh_token"]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == stack.show(name)
    assert answer.json()["status"] == "active"
    assert answer.json()["account"]["username"] == user
    stack.fetch(name)

    before, kept = stack.item(name), stack.kept(name)
    foreign = stack.platform.mint(stack.user(), SCOPES)["refresh_token"]
    refused(stack.operator.put(path, {"refresh_token": foreign}), 409, "account_mismatch")
    refused(stack.operator.put(path, {"refresh_token": "wrong"}), 422, "refresh_token_refused")
    assert (stack.item(name), stack.kept(name)) == (before, kept)


def test_several_resources_of_one_consent(stack: Stack) -> None:
    name = stack.connect(scopes=[f"{ADS}/msads.manage", "User.Read"])
    granted = stack.show(name)["granted_scopes"]
    assert granted == {
        ADS: [f"{ADS}/msads.manage"],
        "https://graph.microsoft.com": ["https://graph.microsoft.com/User.Read"],
    }
    redeemed = stack.platform.redemptions(outcome=None)
    ads = stack.fetch(name)
    graph = stack.fetch(name, scope="User.Read")
    assert ads["access_token"] != graph["access_token"]
    assert "User.Read" in graph["scope"]
    assert "msads.manage" in ads["scope"]
    # The same set, written otherwise; each was redeemed once, at the consent.
    spelt = "https://GRAPH.microsoft.com/User.Read openid User.Read"
    assert stack.fetch(name, scope=spelt)["access_token"] == graph["access_token"]
    assert stack.fetch(name, scope=f"{ADS}/msads.manage")["access_token"] == ads["access_token"]
    assert stack.platform.redemptions(outcome=None) == redeemed

    # What the connection does not have is refused, whatever its owner consented to elsewhere.
    path = f"/connections/{name}/token"
    stack.connect(scopes=[f"{ADS}/msads.manage", "User.Read", "Mail.Read"])
    for foreign in ("Mail.Read", "User.Read Mail.Read", f"User.Read {ADS}/msads.manage"):
        refused(stack.team_a.get(path, scope=foreign), 422, "scope_not_granted")
    shown = stack.show(name)
    assert (shown["status"], shown["last_error"]) == ("active", None)
    assert stack.fetch(name)["access_token"] == ads["access_token"]


def test_the_audit_log_names_operator_connection_and_change(stack: Stack) -> None:
    name = str(stack.create(parameters={"developer_token": "CANARY01"})["connection"])
    path, grants = f"/connections/{name}", [{"principal": stack.team_b.role_arn}]
    assert stack.operator.patch(path, {"grants": grants}).status_code == 200
    stack.renew(name, allow_account_change=True)
    stack.operator.post(f"{path}/verify")
    assert stack.operator.delete(path).status_code == 204
    assert stack.operator.delete(path).status_code == 404

    def lines() -> list[dict[str, Any]]:
        found = stack.lines("connections")
        return [
            line
            for line in found
            if line.get("message") == "management" and line["connection"] == name
        ]

    until(lambda: len(lines()) >= 6, LOG_SECONDS, "a line for each action")
    told = {(line["action"], line["code"]): line for line in lines()}
    assert list(told) == [
        *(("create", "done"), ("change", "done"), ("authorize", "done"), ("verify", "done")),
        *(("delete", "done"), ("delete", "not_found")),
    ]
    role = stack.operator.role_arn.rpartition("/")[2]
    for line in told.values():
        assert re.fullmatch(rf"arn:aws:sts::\d{{12}}:assumed-role/{role}/.+", line["principal"])
    changed = told["change", "done"]
    assert changed["grants_added"] == [stack.team_b.role_arn]
    assert changed["grants_removed"] == [stack.team_a.role_arn]
    assert told["authorize", "done"]["allow_account_change"] is True
    assert told["create", "done"]["changed"] == ["parameters.developer_token"]
    assert "CANARY01" not in str(told)


def test_the_audit_log_names_the_session_that_fetched(stack: Stack) -> None:
    name = stack.connect()
    stack.fetch(name)

    def lines() -> list[dict[str, Any]]:
        return [
            line
            for line in stack.lines("token")
            if line.get("message") == "token" and line.get("connection") == name
        ]

    until(lambda: bool(lines()), LOG_SECONDS, "the token's line")
    role = stack.team_a.role_arn.rpartition("/")[2]
    assert re.fullmatch(rf"arn:aws:sts::\d{{12}}:assumed-role/{role}/.+", lines()[0]["principal"])
