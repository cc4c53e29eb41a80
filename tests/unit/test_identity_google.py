"""Whose ID token of Google's it is."""

from __future__ import annotations

from typing import Any

import pytest

from broker.domain.connection import Account
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.providers.claims import Demands
from broker.providers.entra.id_token import CLAIMS as ENTRA
from broker.providers.google.id_token import CLAIMS, verify
from tests.fakes.microsoft import id_token

NOW = 1_800_000_000.0
CLIENT = "client.apps.googleusercontent.com"
DEMANDS = Demands("https://accounts.google.com", CLIENT, NOW, "nonce")
GOOD: dict[str, Any] = {
    "iss": "https://accounts.google.com",
    "azp": CLIENT,
    "aud": CLIENT,
    "sub": "110169484474386276334",
    "email": "ads@example.com",
    "email_verified": True,
    "at_hash": "x",
    "nonce": "nonce",
    "iat": NOW,
    "exp": NOW + 3600,
}


def account(**changes: Any) -> Account:
    claims = {k: v for k, v in (GOOD | changes).items() if v is not None}
    return verify(Secret(id_token(claims)), DEMANDS)


def test_the_identity_is_the_subject() -> None:
    assert account() == Account.of_google("110169484474386276334", "ads@example.com")
    assert account().same(account(email="other@example.com"))
    assert not account().same(account(sub="2"))
    assert not account().same(Account("t", "110169484474386276334", "ads@example.com"))


def test_both_forms_of_the_issuer() -> None:
    assert account(iss="accounts.google.com").subject


@pytest.mark.parametrize("verified", [False, None, "false", 1, "yes"])
def test_an_address_that_google_has_not_verified_is_no_name(verified: object) -> None:
    assert account(email_verified=verified).username == ""


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *(("iss", "https://accounts.google.com/"), ("iss", "https://evil.example"), ("iss", None)),
        *(("sub", ""), ("sub", 7), ("sub", "a" * 256), ("sub", "a b"), ("sub", None)),
        *(("aud", "other"), ("aud", [CLIENT, "other"]), ("aud", None), ("azp", "other")),
        *(("exp", NOW - 301), ("exp", True), ("exp", "soon"), ("exp", None), ("iat", NOW + 301)),
        *(("nonce", "other"), ("nonce", None)),
    ],
)
def test_a_claim_that_is_wrong(claim: str, value: object) -> None:
    with pytest.raises(Problem) as caught:
        account(**{claim: value})
    assert caught.value.code == "provider_error"
    assert claim in caught.value.detail
    assert "Google" in caught.value.detail


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "..", "a" * 20_000])
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(Problem, match="provider_error"):
        verify(Secret(text), DEMANDS)


def test_a_refresh_carries_no_nonce() -> None:
    demands = Demands(DEMANDS.issuer, CLIENT, NOW, None)
    claims = {k: v for k, v in GOOD.items() if k != "nonce"}
    assert verify(Secret(id_token(claims)), demands).subject


def test_an_unknown_claim_is_noticed() -> None:
    assert CLAIMS.unknown(GOOD | {"tomorrow": 1}) == {"tomorrow"}
    assert not CLAIMS.unknown(GOOD)
    assert ENTRA.unknown({"tid": "", "oid": "", "tomorrow": 1}) == {"tomorrow"}
