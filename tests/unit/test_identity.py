"""ID tokens: every claim is checked, and none is shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.connection import Account, Expected
from broker.domain.names import PERSONAL_TENANT
from broker.domain.problems import Problem
from broker.domain.secret import Secret
from broker.lifecycle import admission
from broker.providers.claims import Demands
from broker.providers.entra import id_token as id_tokens
from local.memory.outside import NOON
from tests.fakes.microsoft import CLIENT_ID, OTHER, OWNER, PLATFORM, TENANT, id_token
from tests.unit.test_policy import connection

DEMANDS = Demands(PLATFORM, CLIENT_ID, NOON, "canary-nonce")
CLAIMS = {
    "iss": f"{PLATFORM}/{TENANT}/v2.0",
    "aud": CLIENT_ID,
    "tid": TENANT,
    "oid": OWNER.object_id,
    "preferred_username": OWNER.username,
    "nonce": "canary-nonce",
    "exp": NOON + 3600,
    "nbf": NOON,
}
STRANGE = "cccccccc-0000-4000-8000-000000000000"


def verify(demands: Demands = DEMANDS, /, **claims: Any) -> Account:
    return id_tokens.verify(Secret(id_token(CLAIMS | claims)), demands)


def test_the_identity() -> None:
    assert verify() == OWNER
    assert verify(aud=[CLIENT_ID]) == OWNER
    assert verify(nbf=None, exp=NOON - 300) == OWNER
    assert verify(nbf=NOON + 300) == OWNER


def test_the_longest_token() -> None:
    text = id_token(CLAIMS)
    longest = text + "x" * (16_384 - len(text))
    assert id_tokens.verify(Secret(longest), DEMANDS) == OWNER
    with pytest.raises(Problem, match="provider_error"):
        id_tokens.verify(Secret(longest + "x"), DEMANDS)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", f"{PLATFORM}/{STRANGE}/v2.0"),
        ("iss", f"{PLATFORM}/{TENANT}/v1.0"),
        ("iss", f"{PLATFORM}.evil.com/{TENANT}/v2.0"),
        ("iss", None),
        ("aud", STRANGE),
        ("aud", [CLIENT_ID, STRANGE]),
        ("aud", None),
        ("tid", STRANGE),
        ("tid", "../common"),
        ("tid", None),
        ("tid", 1),
        ("oid", ""),
        ("oid", "x" * 129),
        ("oid", "\ud800"),
        ("oid", "a\u202eb"),
        ("oid", None),
        ("exp", NOON - 301),
        ("exp", "4000000000"),
        ("exp", True),
        ("exp", float("nan")),
        ("exp", None),
        ("nbf", NOON + 301),
        ("nonce", "canary-other"),
        ("nonce", ""),
        ("nonce", None),
    ],
)
def test_a_claim_that_is_wrong(claim: str, value: object) -> None:
    with pytest.raises(Problem) as caught:
        verify(DEMANDS, **{claim: value})
    assert caught.value.code == "provider_error"
    expected = "iss" if claim == "tid" and value == STRANGE else claim
    assert caught.value.detail == f"Microsoft's ID token is not acceptable: {expected}."
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a.b", "a.b.c.d", "a..c", "a.!.c", "a.WzFd.c", "a.bnVsbA.c", "é.é.é"),
        "a." + "x" * 20_000 + ".c",
        "a." + "W1tb" * 3000 + ".c",
    ],
)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(Problem) as caught:
        id_tokens.verify(Secret(text), DEMANDS)
    assert caught.value.detail.endswith(": format.")


def test_no_token_at_all() -> None:
    with pytest.raises(Problem, match="provider_error"):
        id_tokens.verify(None, DEMANDS)


@given(st.dictionaries(st.sampled_from(sorted(CLAIMS)), st.none() | st.text() | st.integers()))
def test_whatever_claims_come(claims: dict[str, Any]) -> None:
    """Accepted only if every claim that counts is as it was asked for."""
    merged = CLAIMS | claims
    try:
        found = verify(**claims)
    except Problem as problem:
        assert json.dumps(merged)  # it was readable: only its claims can be why
        assert "canary" not in problem.detail  # noqa: PT017
    else:
        assert merged["iss"] == f"{PLATFORM}/{found.tenant_id}/v2.0"
        assert (merged["aud"], merged["nonce"]) == (CLIENT_ID, "canary-nonce")


def test_a_refresh_has_no_nonce() -> None:
    assert verify(replace(DEMANDS, nonce=None), nonce=None) == OWNER


def test_who_it_is_for_people() -> None:
    """No other claim stands in for the sign-in name, which an operator may have named."""
    for other in ({"email": OWNER.username}, {"name": OWNER.username}, {"upn": OWNER.username}):
        assert verify(preferred_username=None, **other).username == ""
    for odd in (1, [OWNER.username], {"": ""}):
        assert verify(preferred_username=odd).username == ""


@pytest.mark.parametrize(
    ("claimed", "stored"),
    [
        ("owner@example.com", "owner@example.com"),
        ("山田 太郎", "山田 太郎"),
        ("a\x00b\x1b[31mc\x9bd\n", "ab[31mcd"),
        ("a\u202eb\u2066c\u200fd\u200be\ufefff", "abcdef"),
        ("a\u2028b\u2029c", "abc"),
        ("a\ud800b\udfff", "ab"),
        ("x" * 1000, "x" * 256),
        ("", ""),
    ],
)
def test_a_name_as_it_is_stored(claimed: str, stored: str) -> None:
    one = replace(connection(None), tenant="common")
    account = verify(preferred_username=claimed)
    admitted = admission.admit(account, one, (), tenant_id=None, allow_change=False)
    assert admitted == replace(OWNER, username=stored)
    admitted.username.encode()


def test_a_name_that_only_looks_like_the_expected_one() -> None:
    """What is compared is what Microsoft wrote, not what is left of it."""
    for claimed in ("\u200eowner@example.com", "owner@example.com\x00", "own\u00ader@example.com"):
        account = verify(preferred_username=claimed)
        expected = Expected(username="owner@example.com")
        assert admit(account, expected=expected) == "account_mismatch"


def admit(
    account: Account,
    *,
    tenant: str = "common",
    allowed: tuple[str, ...] = (),
    known: Account | None = None,
    expected: Expected | None = None,
    allow_change: bool = False,
) -> str | None:
    one = replace(connection(None), tenant=tenant, account=known, expected=expected or Expected())
    try:
        admission.admit(account, one, allowed, tenant_id=TENANT, allow_change=allow_change)
    except Problem as problem:
        return problem.code
    return None


PERSONAL = Account(PERSONAL_TENANT, "o", "me@outlook.com")


@pytest.mark.parametrize(
    ("result", "wanted"),
    [
        (admit(OWNER), None),
        (admit(PERSONAL), None),
        (admit(PERSONAL, tenant="organizations"), "tenant_not_allowed"),
        (admit(OWNER, tenant="organizations"), None),
        (admit(PERSONAL, tenant="consumers"), None),
        (admit(OWNER, tenant="consumers"), "tenant_not_allowed"),
        (admit(OWNER, tenant=TENANT), None),
        (admit(OWNER, tenant="contoso.com"), None),
        (admit(PERSONAL, tenant="contoso.com"), "tenant_not_allowed"),
        (admit(OWNER, allowed=(TENANT,)), None),
        (admit(OWNER, allowed=(STRANGE,)), "tenant_not_allowed"),
        (admit(OWNER, expected=Expected(username="OWNER@example.com")), None),
        (admit(OTHER, expected=Expected(username="owner@example.com")), "account_mismatch"),
        (admit(OTHER, expected=Expected(object_id=OWNER.object_id)), "account_mismatch"),
        (admit(OWNER, expected=Expected(tenant_id=STRANGE)), "account_mismatch"),
        (admit(OWNER, known=OWNER), None),
        (admit(replace(OWNER, username="new"), known=OWNER), None),
        (admit(OTHER, known=OWNER), "account_mismatch"),
        (admit(replace(OWNER, tenant_id=STRANGE), known=OWNER), "account_mismatch"),
        (admit(OTHER, known=OWNER, allow_change=True), None),
        (admit(OTHER, expected=Expected(username="owner@example.com"), allow_change=True), None),
        (admit(OTHER, allowed=(STRANGE,), allow_change=True), "tenant_not_allowed"),
        (admit(OTHER, tenant="consumers", allow_change=True), "tenant_not_allowed"),
        (admit(OWNER, expected=Expected(tenant_id=STRANGE), allow_change=True), "account_mismatch"),
    ],
)
def test_admission(result: str | None, wanted: str | None) -> None:
    assert result == wanted


@pytest.mark.parametrize(
    ("changes", "allowed", "reason"),
    [
        ({"tenant": "consumers"}, (), "not of this connection's tenant"),
        ({}, (STRANGE,), "does not admit accounts of this tenant"),
        ({"expected": Expected(tenant_id=STRANGE)}, (), "of another tenant than expected"),
        ({"account": OTHER}, (), "Another account than last time"),
        ({"expected": Expected(username="x")}, (), "Another account than the expected one"),
    ],
)
def test_why_an_account_is_not_admitted(
    changes: dict[str, Any], allowed: tuple[str, ...], reason: str
) -> None:
    one = replace(connection(None), tenant="common", expected=Expected())
    one = replace(one, **changes)
    with pytest.raises(Problem) as caught:
        admission.admit(OWNER, one, allowed, tenant_id=TENANT, allow_change=False)
    assert reason in caught.value.detail
