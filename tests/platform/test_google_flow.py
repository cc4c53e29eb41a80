"""Google's flow as it goes right: the redirect back, tokens, ID tokens, refresh, revocation."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
import requests

from .application import returned
from .google_application import OWNER, WORKSPACE, GoogleApplication

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
WRONG_TOKEN = {"error": "invalid_token", "error_description": "Token expired or revoked"}


def claims(at_google: GoogleApplication, id_token: str) -> dict[str, Any]:
    """Verified with the published keys, by PyJWT."""
    document = requests.get(f"{at_google.url}/.well-known/openid-configuration", timeout=5).json()
    key = jwt.PyJWKClient(document["jwks_uri"]).get_signing_key_from_jwt(id_token).key
    audience = at_google.registration.client_id
    return dict(jwt.decode(id_token, key, algorithms=["RS256"], audience=audience))


def test_the_redirect_carries_what_google_sends(at_google: GoogleApplication) -> None:
    back = returned(str(at_google.consent(WORKSPACE).redirect))
    assert back.pop("code").startswith("4/")
    assert back == {
        "state": "a state/with+odd&characters",
        "scope": f"{EMAIL} {PROFILE} openid",
        "authuser": "0",
        "hd": "workspace.example",
        "prompt": "consent select_account",
        "iss": at_google.url,
    }


def test_the_token_answer(at_google: GoogleApplication) -> None:
    answer = at_google.tokens()
    assert answer["token_type"] == "Bearer"
    assert answer["access_token"].startswith("ya29.")
    assert answer["refresh_token"].startswith("1//")
    assert answer["expires_in"] == 3599
    assert answer["scope"].split() == [EMAIL, PROFILE, "openid"]
    told = claims(at_google, answer["id_token"])
    [account] = [a for a in at_google.google.accounts() if a["email"] == OWNER]
    assert (told["iss"], told["sub"]) == (at_google.url, account["sub"])
    assert (told["email"], told["email_verified"], told["nonce"]) == (OWNER, True, "nonce-1")
    assert "hd" not in told
    assert "refresh_token_expires_in" not in answer


def test_both_forms_of_the_issuer(at_google: GoogleApplication) -> None:
    at_google.google.settings(issuer="bare")
    told = claims(at_google, at_google.tokens(WORKSPACE)["id_token"])
    assert told["iss"] == at_google.url.removeprefix("http://")
    assert told["hd"] == "workspace.example"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("url", None), (None, ""), ("bare", "127.0.0.1"), ("https://evil.example", "evil.example")],
)
def test_the_issuer_of_the_redirect(
    at_google: GoogleApplication, setting: str | None, expected: str | None
) -> None:
    at_google.google.settings(redirect_issuer=setting)
    for action in ("accept", "cancel"):
        back = returned(str(at_google.consent(OWNER, action).redirect))
        told = back.get("iss", "")
        assert told == at_google.url if expected is None else expected in told


def test_cancelling(at_google: GoogleApplication) -> None:
    back = returned(str(at_google.consent(OWNER, "cancel").redirect))
    assert (back["error"], back["state"]) == ("access_denied", "a state/with+odd&characters")
    assert "code" not in back


def test_a_refresh_rotates_nothing(at_google: GoogleApplication) -> None:
    first = at_google.tokens()
    answers = [at_google.refresh(first["refresh_token"]).json() for _ in range(2)]
    assert {answer["access_token"] for answer in answers}.isdisjoint({first["access_token"]})
    for answer in answers:
        assert "refresh_token" not in answer
        assert claims(at_google, answer["id_token"])["email"] == OWNER
    at_google.google.settings(id_token_on_refresh=False)
    assert "id_token" not in at_google.refresh(first["refresh_token"]).json()


@pytest.mark.parametrize(
    ("changes", "first", "second"),
    [
        ({}, True, True),
        ({"prompt": "select_account"}, True, False),
        ({"prompt": None}, True, False),
        ({"access_type": "online"}, False, False),
        ({"access_type": None}, False, False),
    ],
)
def test_a_refresh_token_comes_offline_the_first_time_or_with_a_consent(
    at_google: GoogleApplication, changes: dict[str, Any], first: bool, second: bool
) -> None:
    assert ("refresh_token" in at_google.tokens(OWNER, **changes)) is first
    assert ("refresh_token" in at_google.tokens(OWNER, **changes)) is second


def test_a_second_consent_leaves_the_first_token_alive(at_google: GoogleApplication) -> None:
    tokens = [at_google.tokens()["refresh_token"] for _ in range(2)]
    assert [at_google.refresh(token).status_code for token in tokens] == [200, 200]


def test_the_hundred_and_first_token_kills_the_oldest(at_google: GoogleApplication) -> None:
    tokens = [at_google.google.mint(OWNER)["refresh_token"] for _ in range(100)]
    other = at_google.google.mint(WORKSPACE)["refresh_token"]
    assert at_google.refresh(tokens[0]).status_code == 200
    tokens.append(at_google.tokens()["refresh_token"])
    statuses = [at_google.refresh(token).status_code for token in (*tokens[:2], tokens[-1], other)]
    assert statuses == [400, 200, 200, 200]


def test_revocation_is_of_the_whole_project(at_google: GoogleApplication) -> None:
    """Another client of the project, another project, another account."""
    google, mine = at_google.google, at_google.tokens()
    uri = at_google.registration.redirect_uris[0]
    tokens = {}
    for name, project in (("sibling", "token-broker"), ("stranger", "elsewhere")):
        google.client(name, secrets=[{"value": "s"}], redirect_uris=[uri], project=project)
        tokens[name] = google.mint(OWNER, name)["refresh_token"]
    theirs = at_google.tokens(WORKSPACE)["refresh_token"]
    answer = at_google.post("revoke", {"token": mine["refresh_token"]})
    assert (answer.status_code, answer.json()) == (200, {})
    dead = at_google.refresh(mine["refresh_token"])
    assert dead.json()["error_description"] == "Token has been expired or revoked."
    for name, status in (("sibling", 400), ("stranger", 200)):
        answer = at_google.refresh(tokens[name], client_id=name, client_secret="s")
        assert answer.status_code == status
    assert at_google.refresh(theirs).status_code == 200
    again = at_google.post("revoke", {"token": mine["access_token"]})
    assert (again.status_code, again.json()) == (400, WRONG_TOKEN)
    back = returned(str(at_google.consent(prompt="select_account").redirect))
    assert "code" in back
    assert "refresh_token" in at_google.redeem(back["code"]).json()  # as the first time


def test_an_access_token_takes_its_refresh_token_along(at_google: GoogleApplication) -> None:
    answer = at_google.tokens()
    assert at_google.post("revoke", {"token": answer["access_token"]}).status_code == 200
    assert at_google.refresh(answer["refresh_token"]).status_code == 400
    assert requests.get(f"{at_google.url}/revoke", timeout=5).status_code == 404
    assert at_google.post("revoke", {"token": "unknown"}).json() == WRONG_TOKEN


def test_the_words_for_a_dead_token_change_with_time(at_google: GoogleApplication) -> None:
    token = at_google.tokens()["refresh_token"]
    at_google.google.act(OWNER, "revoke")
    words = []
    for hours in (1, 13):
        at_google.platform.clock(hours * 3600)
        words.append(at_google.refresh(token).json()["error_description"])
    assert words == ["Token has been expired or revoked.", "Bad Request"]


def test_six_months_of_disuse(at_google: GoogleApplication) -> None:
    token = at_google.tokens()["refresh_token"]
    at_google.platform.clock(181 * 86_400)
    assert at_google.refresh(token).status_code == 200
    at_google.platform.clock((181 + 183) * 86_400)
    assert at_google.refresh(token).json()["error"] == "invalid_grant"


def test_access_for_a_time_only(at_google: GoogleApplication) -> None:
    answer = at_google.tokens("limited@gmail.example")
    assert answer["refresh_token_expires_in"] == 604_800
    at_google.platform.clock(600_000)
    left = at_google.refresh(answer["refresh_token"]).json()["refresh_token_expires_in"]
    assert 4_700 < left <= 4_800
    at_google.platform.clock(604_801)
    assert at_google.refresh(answer["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_rotated_secret_keeps_the_tokens(at_google: GoogleApplication) -> None:
    token = at_google.tokens()["refresh_token"]
    client_id, first = at_google.registration.client_id, at_google.registration.client_secret
    at_google.google.client(client_id, secrets=[{"value": first}, {"value": "second"}])
    assert at_google.refresh(token, client_secret="second").status_code == 200
    disabled = {"value": first, "enabled": False}
    at_google.google.client(client_id, secrets=[disabled, {"value": "second"}])
    answer = at_google.refresh(token)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    with pytest.raises(requests.HTTPError, match="at most two"):
        at_google.google.client(client_id, secrets=[disabled] * 3)


def test_discovery_and_userinfo(at_google: GoogleApplication) -> None:
    document = requests.get(f"{at_google.url}/.well-known/openid-configuration", timeout=5).json()
    assert document["issuer"] == at_google.url
    assert document["authorization_response_iss_parameter_supported"] is True
    assert len(requests.get(document["jwks_uri"], timeout=5).json()["keys"]) == 2
    bearer = {"Authorization": f"Bearer {at_google.tokens()['access_token']}"}
    told = requests.get(document["userinfo_endpoint"], headers=bearer, timeout=5)
    assert told.json()["email"] == OWNER
    at_google.platform.clock(3600)
    again = requests.get(document["userinfo_endpoint"], headers=bearer, timeout=5)
    assert again.status_code == 401


def test_the_pages_can_be_read_and_pressed(at_google: GoogleApplication) -> None:
    """Without the shortcut: the forms that a browser shows."""
    chooser = requests.get(at_google.authorize_url(login_hint=OWNER), timeout=5)
    assert "Choose an account" in chooser.text
    assert chooser.text.index(OWNER) < chooser.text.index(WORKSPACE)
    action = f"{at_google.url}/google/signin/{chooser.headers['X-Visit']}"
    page = requests.post(action, data={"action": "sign_in", "user": OWNER}, timeout=5)
    assert "Name and profile picture" in page.text
    assert 'value="accept"' in page.text
    back = requests.post(action, data={"action": "accept"}, timeout=5, allow_redirects=False)
    assert back.status_code == 302
    gone = requests.post(action, data={"action": "accept"}, timeout=5)
    assert gone.status_code == 400


def test_the_ledger_holds_no_token(at_google: GoogleApplication) -> None:
    answer = at_google.tokens()
    at_google.refresh(answer["refresh_token"])
    platform = at_google.platform
    assert platform.redemptions(leg="google_token") == 1
    assert platform.redemptions("authorization_code", leg="google_token") == 1
    text = str(platform.requests()) + str(at_google.google.tokens())
    for name in ("access_token", "refresh_token", "id_token"):
        assert answer[name] not in text
