"""A full run with known secrets, and then a search of everything that came out."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from broker.adapters.kms import Keys
from broker.sealing.envelope import encryption_context, unseal
from local import deploy
from local.browser import Browser
from tests.e2e.canaries import Recorder, Secrets
from tests.e2e.harness import ADS, LOG_SECONDS, Stack, until
from tests.e2e.inbox import inbox
from tests.e2e.logs import events, groups

MAY_SHOW: dict[tuple[str, str], set[str]] = {
    ("POST", "/connections"): {"ticket"},
    ("POST", "/connections/*/authorizations"): {"ticket"},
    ("GET", "/authorize"): {"ticket", "cookie"},
    ("GET", "/admin-consent"): {"ticket", "cookie"},
    ("POST", "/authorize"): {"state", "nonce"},
    ("POST", "/admin-consent"): {"state"},
    ("GET", "/connections/*/token"): {"access token", "parameter"},
}
"""What an answer carries by contract; everything else is a leak."""


@pytest.fixture
def hidden(stack: Stack) -> Secrets:
    """Beginning with what everyone holds before the run."""
    found = Secrets()
    found.add("client secret", stack.settings.client_secret)
    for principal in stack.document["principals"].values():
        found.add("session token", principal["session_token"])
        found.add("secret key", principal["secret_access_key"])
    return found


def test_no_secret_shows_anywhere(
    stack: Stack, hidden: Secrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(stack, hidden, monkeypatch)
    with inbox(stack) as events:
        name = full_run(stack, hidden)
        went_wrong(stack, hidden, name)
        stored = [repr(item) for items in stack.tables().values() for item in map(kept, items)]
        assert stack.operator.delete(f"/connections/{name}").status_code == 204
        assert stack.team_a.get(f"/connections/{name}/token").status_code == 403
        events.wait("Connection Deleted", name)
        arrived = [repr(event) for event in events.look()]
    until(lambda: denied(stack, name), LOG_SECONDS, "the last line of the audit log")

    written = list(logs(stack, f"newest-{secrets.token_hex(8)}"))
    kinds = {kind for kind, _ in hidden.known}
    assert {"ticket", "state", "code", "cookie", "nonce", "verifier", "refresh token"} <= kinds
    for method, path, text in recorder.answers:
        leaked = hidden.found(text, MAY_SHOW.get((method, path), set()))
        assert not leaked, (method, path, leaked)
    for where, texts in {
        "tables": stored,
        "events": arrived,
        "logs": written,
        "settings": list(settings(stack)),
        "dead letters": list(dead_letters(stack)),
    }.items():
        assert texts or where == "dead letters", f"nothing to search in {where}"
        for text in texts:
            assert not hidden.found(text), (where, hidden.found(text))
    for text in written:
        assert not re.search(r"eyJ[A-Za-z0-9_-]{8,}\.|AWS4-HMAC|[Bb]earer ey", text)


def kept(item: dict[str, Any]) -> dict[str, Any]:
    """An item without what a state keeps for its return: worth nothing without the code."""
    return {key: value for key, value in item.items() if key not in ("verifier", "nonce")}


def full_run(stack: Stack, hidden: Secrets) -> str:
    """The main job, with every value on its way remembered; the connection's name."""
    user, browser = stack.user(), Browser()
    parameter = hidden.add("parameter", f"CANARY{secrets.token_hex(8)}")
    created = stack.create(
        parameters={"developer_token": parameter}, scopes=[f"{ADS}/msads.manage", "User.Read"]
    )
    name = str(created["connection"])
    for link in (created["authorize_url"], created["admin_consent_url"]):
        hidden.add("ticket", parse_qs(urlsplit(link).query)["ticket"][0])
    depart(hidden, browser, created["admin_consent_url"])
    location = depart(hidden, browser, created["authorize_url"])
    items = stack.tables()["AuthorizationsTableName"]
    for item in items:
        if item["id"].startswith("state#") and item["name"] == name:
            hidden.add("verifier", item["verifier"])
    back = stack.platform.consent(location, user).redirect
    assert back
    hidden.add("code", parse_qs(urlsplit(back).query)["code"][0])
    assert browser.open(back).status_code == 200
    assert browser.open(back).status_code == 200
    hidden.add("refresh token", opened(stack, name))
    for params in ({}, {"scope": "User.Read"}):
        hidden.add("access token", stack.fetch(name, **params)["access_token"])
    assert stack.operator.post(f"/connections/{name}/refresh").status_code == 200
    hidden.add("refresh token", opened(stack, name))
    hidden.add("access token", stack.fetch(name)["access_token"])
    minted = stack.platform.mint(user, f"openid profile offline_access {ADS}/msads.manage")
    token = hidden.add("refresh token", minted["refresh_token"])
    answer = stack.operator.put(f"/connections/{name}/refresh-token", {"refresh_token": token})
    assert answer.status_code == 200, answer.text
    hidden.add("access token", stack.fetch(name)["access_token"])
    return name


def went_wrong(stack: Stack, hidden: Secrets, name: str) -> None:
    """What fails, fails without showing what it was given."""

    def canary(kind: str) -> str:
        return hidden.add(kind, f"CANARY-{secrets.token_urlsafe(24)}"[:43].ljust(43, "x"))

    path = f"/connections/{name}"
    stack.operator.put(f"{path}/refresh-token", {"refresh_token": canary("refresh token")})
    stack.operator.put(f"{path}/refresh-token", f'{{"refresh_token": "{canary("refresh token")}')
    stack.operator.patch(path, {"parameters": {"customer_id": canary("parameter")}})
    stack.operator.patch(path, {canary("parameter"): 1})
    stack.browse("/authorize", ticket=canary("ticket"))
    stack.browse("/callback", state=canary("state"), code=canary("code"))
    for fault in ({"kind": "garbage"}, {"kind": "html"}, {"kind": "aadsts", "number": 50173}):
        stack.platform.fault("token", fault, match={"grant_type": "refresh_token"})
        stack.operator.post(f"{path}/refresh")
    stack.platform.clear_faults()
    browser = Browser()
    link = stack.renew(name)
    hidden.add("ticket", parse_qs(urlsplit(link).query)["ticket"][0])
    state = parse_qs(urlsplit(depart(hidden, browser, link)).query)["state"][0]
    query = urlencode({"state": state, "code": canary("code")})
    assert browser.open(f"{stack.api_url}/callback?{query}").status_code >= 400
    # An item that nobody wrote: what the function makes of it is its own affair, the value is not.
    item = stack.item(name)
    assert item
    stack.edit(name, status=canary("parameter"))
    assert stack.operator.get(path).status_code == 500
    assert stack.team_a.get(f"{path}/token").status_code == 500
    stack.edit(name, status=item["status"])


def depart(hidden: Secrets, browser: Browser, link: str) -> str:
    """Press Continue, and remember what the browser is given."""
    location = browser.depart(link)
    query = parse_qs(urlsplit(location).query)
    hidden.add("state", query["state"][0])
    hidden.add("cookie", browser.cookies["__Host-tb"])
    if "nonce" in query:
        hidden.add("nonce", query["nonce"][0])
    return location


def opened(stack: Stack, name: str) -> str:
    """The stored refresh token, opened by the administrator of all keys."""
    item = stack.kept(name)
    assert item
    sealed = item["sealed"]
    kms = stack.client("kms")
    arn = kms.describe_key(KeyId=f"alias/{deploy.NAME}-vault")["KeyMetadata"]["Arn"]
    where = encryption_context(
        deploy.NAME, item["incarnation"], "refresh_token", sealed["generation"], sealed["epoch"]
    )
    return unseal(Keys(kms, arn), where, sealed["data"]).open()


def denied(stack: Stack, name: str) -> bool:
    """Whether the refusal after the deletion is in the audit log."""
    lines = stack.lines("token")
    return any(line.get("connection") == name and line["code"] == "access_denied" for line in lines)


def logs(stack: Stack, last: str) -> Iterator[str]:
    """All log groups, at least to the line `last`, written now; and what the emulator wrote."""
    client = stack.client("logs")
    for group in groups(client):
        stamp(client, group, last)
        messages = [event["message"] for event in events(client, group)]
        assert last in messages, f"the search ended before the newest line of {group}"
        yield from messages
    yield (stack.settings.state / "emulator.log").read_text(errors="replace")


def stamp(client: Any, group: str, message: str) -> None:
    """Write a line behind all others of a group: those that come later are not of this test."""
    client.create_log_stream(logGroupName=group, logStreamName=message)
    entry = {"timestamp": int(time.time() * 1000) + 1, "message": message}
    client.put_log_events(logGroupName=group, logStreamName=message, logEvents=[entry])


def settings(stack: Stack) -> Iterator[str]:
    """Outputs of the stack, and the functions' environments."""
    yield repr(stack.outputs)
    for page in stack.client("lambda").get_paginator("list_functions").paginate():
        yield from (repr(function) for function in page["Functions"])


def dead_letters(stack: Stack) -> Iterator[str]:
    """All messages that nobody could work on; they stay where they are."""
    sqs = stack.client("sqs")
    for output in ("RefreshDeadLetterQueueUrl", "RotateDeadLetterQueueUrl"):
        url, handles = stack.outputs[output], []
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=60
        ).get("Messages"):
            handles += [message["ReceiptHandle"] for message in messages]
            yield from (message["Body"] for message in messages)
        for handle in handles:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)
