"""Who may sign with the client key, and who may ask AWS for which token, by an engine not ours."""

from __future__ import annotations

import pytest

from local.template import ACCOUNT
from local.tools.permissions import page
from local.tools.permissions.account import Account
from local.tools.permissions.matrix import COMES_WITH
from local.tools.permissions.questions import Question, Verdict, ask, of_role

BROAD = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
PSS, PKCS1 = "RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"
SIGN, ASK = ("kms:Sign", "ClientKey"), ("sts:GetWebIdentityToken", "*")
REDEEMERS = ("CallbackRole", "RefreshRole")


@pytest.fixture(scope="module")
def account() -> Account:
    return Account(page.PARAMETERS)


def signing(algorithm: str, message: str = "RAW") -> dict[str, list[str]]:
    return {"kms:SigningAlgorithm": [algorithm], "kms:MessageType": [message]}


def test_only_callback_and_refresh_sign_assertions(account: Account) -> None:
    able = [
        role
        for role in account.roles
        if ask([of_role(account, role, *SIGN, signing(PSS))]) == ["Allowed"]
    ]
    assert tuple(able) == REDEEMERS


@pytest.mark.parametrize("role", REDEEMERS)
@pytest.mark.parametrize(
    "context",
    [
        signing(PKCS1),
        signing("RSASSA_PSS_SHA_512"),
        signing(PSS, "DIGEST"),
        {"kms:SigningAlgorithm": [PSS]},
        {},
    ],
)
def test_and_they_sign_nothing_else(
    account: Account, role: str, context: dict[str, list[str]]
) -> None:
    assert ask([of_role(account, role, *SIGN, context)]) != ["Allowed"]


@pytest.mark.parametrize(
    ("context", "verdict"),
    [
        (signing(PKCS1), "Allowed"),
        (signing(PSS), "ExplicitlyDenied"),
        (signing("RSASSA_PSS_SHA_384"), "ExplicitlyDenied"),
        (signing(PKCS1, "DIGEST"), "ExplicitlyDenied"),
    ],
)
def test_whoever_may_do_everything_makes_certificates_and_no_assertions(
    account: Account, context: dict[str, list[str]], verdict: Verdict
) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/administrator"
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/administrator/session"
    question = Question(
        principal,
        "kms:Sign",
        account.arns["ClientKey"],
        {"aws:PrincipalArn": role, **context},
        [BROAD],
        account.key_policy("ClientKey"),
    )
    assert ask([question]) == [verdict]


TOKEN = COMES_WITH[ASK]


@pytest.mark.parametrize("role", REDEEMERS)
@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({}, True),
        ({"sts:DurationSeconds": ["60"]}, True),
        ({"sts:IdentityTokenAudience": ["api://AzureADTokenExchange", "https://else"]}, False),
        ({"sts:IdentityTokenAudience": ["https://else"]}, False),
        ({"sts:SigningAlgorithm": ["ES384"]}, False),
        ({"sts:DurationSeconds": ["3600"]}, False),
    ],
)
def test_a_role_asks_for_this_token_and_no_other(
    account: Account, role: str, changes: dict[str, list[str]], admitted: bool
) -> None:
    verdict = ask([of_role(account, role, *ASK, TOKEN | changes)])
    assert (verdict == ["Allowed"]) is admitted


def test_without_an_audience_there_is_no_token(account: Account) -> None:
    """ForAllValues alone is true of an absent key."""
    silent = {key: value for key, value in TOKEN.items() if key != "sts:IdentityTokenAudience"}
    assert ask([of_role(account, "RefreshRole", *ASK, silent)]) == ["ImplicitlyDenied"]


def test_what_is_not_listed_is_denied() -> None:
    account = Account({"ClientAuthentication": "secret"})
    assert "ClientKey" not in account.arns
    for role in REDEEMERS:
        assert ask([of_role(account, role, *ASK, TOKEN)]) == ["ImplicitlyDenied"]
