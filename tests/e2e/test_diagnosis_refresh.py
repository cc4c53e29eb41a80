"""What Microsoft says at a refresh: the caller's answer, the state, the events, and the recovery.

Confirmation takes 35 to 90 s: stored times are moved back instead of waiting.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from local.browser import Browser

from .harness import Stack, refused
from .inbox import Inbox, inbox


class Case(NamedTuple):
    """A refusal by number, what callers are told, and what becomes of the connection."""

    number: int | None
    code: str
    actor: str
    state: str
    error: str | None = None
    suberror: str | None = None


OWNER = "reauthorization_required"
BROKEN = [
    Case(50173, OWNER, "owner", OWNER),
    Case(700082, OWNER, "owner", OWNER),
    Case(None, OWNER, "owner", OWNER, "invalid_grant"),
    Case(70000, OWNER, "owner", OWNER),
    Case(50055, OWNER, "owner", OWNER),
    Case(65001, OWNER, "owner", OWNER, "invalid_grant", "consent_required"),
    Case(50034, OWNER, "owner", OWNER),
    Case(50076, "mfa_required", "owner", OWNER),
    Case(59999, "mfa_required", "owner", OWNER, "invalid_grant", "basic_action"),
    Case(53003, "blocked_by_policy", "tenant_admin", "blocked"),
    Case(50057, "admin_consent_required", "tenant_admin", "awaiting_admin"),
    Case(50105, "admin_consent_required", "tenant_admin", "awaiting_admin"),
    Case(90094, "admin_consent_required", "tenant_admin", "awaiting_admin"),
    Case(650052, "admin_consent_required", "tenant_admin", "awaiting_admin"),
]
PASSING = [
    ({"kind": "throttle", "retry_after": 60}, 503, "throttled", "nobody"),
    ({"kind": "throttle", "shape": "50196"}, 503, "throttled", "nobody"),
    ({"kind": "http", "status": 503}, 503, "provider_unavailable", "nobody"),
    ({"kind": "reset"}, 503, "provider_unavailable", "nobody"),
    ({"kind": "garbage"}, 502, "provider_error", "operator"),
    ({"kind": "html"}, 502, "provider_error", "operator"),
    ({"kind": "aadsts", "number": 700016}, 502, "client_misconfigured", "operator"),
    ({"kind": "aadsts", "number": 90014}, 502, "provider_error", "operator"),
]


@pytest.fixture(scope="module")
def events(stack: Stack) -> Iterator[Inbox]:
    with inbox(stack) as found:
        yield found


@pytest.fixture(autouse=True)
def _healthy(stack: Stack) -> Iterator[None]:
    yield
    stack.platform.clear_faults()


def refuse(stack: Stack, user: str, fault: dict[str, Any], times: int | None = None) -> None:
    """Microsoft answers this user's refreshes so."""
    match = {"user": user, "grant_type": "refresh_token"}
    stack.platform.fault("token", fault, times=times, match=match)


def later(stack: Stack, name: str, seconds: int = 2 * 86_400) -> None:
    """As if the last failure had been a while ago, and with it the first doubt."""
    item = stack.item(name)
    assert item
    past = int(time.time()) - seconds
    changes: dict[str, Any] = {"last_error": {**item["last_error"], "retry_at": past}}
    if "suspicion" in item:
        changes["suspicion"] = {**item["suspicion"], "since": past}
    stack.edit(name, **changes)


def token(stack: Stack, name: str) -> Any:
    return stack.team_a.get(f"/connections/{name}/token")


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: f"{case.number}-{case.suberror}")
def test_a_refusal_of_the_grant(stack: Stack, events: Inbox, case: Case) -> None:
    user = stack.user()
    name = stack.connect(user)
    fault = {"kind": "aadsts", "number": case.number}
    fault |= {key: value for key in ("error", "suberror") if (value := getattr(case, key))}
    refuse(stack, user, fault)

    # Once is not death: a valid token is served, and nothing has changed.
    assert stack.operator.post(f"/connections/{name}/refresh").status_code == 409
    stack.fetch(name)
    assert stack.show(name)["status"] == "active"
    stack.expire(name)
    body = refused(token(stack, name), 503, "grant_at_risk")
    assert body["actor"] == "nobody"
    events.wait("Connection At Risk", name)

    # The second time, later, counts.
    later(stack, name)
    body = refused(token(stack, name), 409, case.code)
    assert body["actor"] == case.actor
    assert body["remedy"]
    if case.number:
        assert case.number in body["provider"]["error_codes"]
    shown = stack.show(name)
    assert (shown["status"], shown["last_error"]["code"]) == (case.state, case.code)
    told = events.wait("Connection Broken", name)
    assert told == {
        "connection": name,
        "service": "microsoft-advertising",
        "status": case.state,
        "code": case.code,
        "actor": case.actor,
        "remedy": body["remedy"],
    }

    # From now on Microsoft is left in peace.
    before = stack.platform.redemptions(outcome=None)
    assert refused(token(stack, name), 409, case.code)["remedy"] == body["remedy"]
    assert stack.platform.redemptions(outcome=None) == before

    # The cause is gone.
    stack.platform.clear_faults()
    if case.state == OWNER:
        assert stack.show(name)["next_refresh_at"] is None
        stack.consent(stack.renew(name), user)
    else:
        later(stack, name)
    stack.fetch(name)
    assert stack.show(name)["status"] == "active"
    assert stack.show(name)["last_error"] is None
    events.wait("Connection Recovered", name)
    kinds = [kind for kind in events.kinds(name) if kind != "Connection Authorized"]
    assert kinds == ["Connection At Risk", "Connection Broken", "Connection Recovered"]


@pytest.mark.parametrize(("fault", "status", "code", "actor"), PASSING)
def test_what_is_not_about_the_grant(
    stack: Stack, events: Inbox, fault: dict[str, Any], status: int, code: str, actor: str
) -> None:
    user = stack.user()
    name = stack.connect(user)
    refuse(stack, user, fault)
    refused(stack.operator.post(f"/connections/{name}/refresh"), status, code)
    stack.fetch(name)
    stack.expire(name)
    later(stack, name)
    body = refused(token(stack, name), status, code)
    assert body["actor"] == actor
    assert ("retry_after" in body) == (status == 503)
    shown = stack.show(name)
    assert (shown["status"], shown["last_error"]["code"]) == ("active", code)
    stack.platform.clear_faults()
    later(stack, name)
    stack.fetch(name)
    assert stack.show(name)["last_error"] is None
    assert events.kinds(name) == ["Connection Authorized"]


def test_invalid_grant_once_never_leaves_active(stack: Stack, events: Inbox) -> None:
    """AADSTS70000 is known to come and go with the same token."""
    user = stack.user()
    name = stack.connect(user)
    refuse(stack, user, {"kind": "aadsts", "number": 70000}, times=1)
    stack.expire(name)
    refused(token(stack, name), 503, "grant_at_risk")
    assert stack.show(name)["status"] == "active"
    later(stack, name, 1)
    stack.fetch(name)
    shown = stack.show(name)
    assert (shown["status"], shown["last_error"]) == ("active", None)
    events.wait("Connection Recovered", name)
    assert "Connection Broken" not in events.kinds(name)


def test_a_legacy_consent_is_told_to_consent_again(stack: Stack, events: Inbox) -> None:
    """Without msads.manage the API refuses every call, though refreshes go on working."""
    user = stack.user()
    name = stack.connect(user)
    scope = "https://ads.microsoft.com/ads.manage"
    stack.expire(name)
    refuse(stack, user, {"kind": "scope", "scope": scope})
    refused(token(stack, name), 503, "grant_at_risk")
    later(stack, name)
    body = refused(token(stack, name), 422, "scope_not_granted")
    assert (body["actor"], "msads.manage" in body["detail"]) == ("owner", True)
    assert stack.show(name)["status"] == OWNER
    events.wait("Connection Broken", name)
    stack.platform.clear_faults()
    stack.consent(stack.renew(name), user)
    stack.fetch(name)
    events.wait("Connection Recovered", name)


def test_another_account_does_not_heal_it(stack: Stack) -> None:
    user = stack.user()
    name = stack.connect(user)
    link = stack.renew(name)
    page = Browser("ja").consent(link, stack.platform, "second@contoso.example")
    assert page.status_code == 409
    assert "account_mismatch" in page.text
    assert stack.show(name)["account"]["username"] == user
    stack.consent(link, user)
