"""The API's resource policy, statement by statement.

Within one account a resource policy and an identity policy are OR-ed: an Allow on a signed route
would open that route to every principal of the account.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from local.template import ACCOUNT, Resolver
from tests.template.conftest import Resources
from tests.template.test_api import OPEN, SIGNED

ORGANIZATION = "o-abcdefghij"
ACCOUNTS = ["111111111111", "222222222222"]

BROWSER = {
    "Sid": "BrowserRoutes",
    "Effect": "Allow",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "Resource": [f"execute-api:/*/{verb}{path}" for verb, path in OPEN],
}
TOKENS_FOR_ORGANIZATION = {
    "Sid": "TokensForTheOrganization",
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "execute-api:Invoke",
    "Resource": "execute-api:/*/GET/connections/*/token",
    "Condition": {
        "StringEquals": {"aws:PrincipalOrgID": ORGANIZATION},
        "StringNotEquals": {"aws:PrincipalAccount": ACCOUNT},
    },
}
TOKENS_FOR_ACCOUNTS = {
    "Sid": "TokensForAccounts",
    "Effect": "Allow",
    "Principal": {"AWS": ACCOUNTS},
    "Action": "execute-api:Invoke",
    "Resource": "execute-api:/*/GET/connections/*/token",
    "Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}},
}

OPERATORS = ["arn:aws:iam::000000000000:role/sso/Operators_*", "arn:aws:iam::000000000000:role/ci"]
MANAGEMENT_FOR_OPERATORS = {
    "Sid": "ManagementForOperators",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "execute-api:Invoke",
    "NotResource": [
        f"arn:aws:execute-api:us-east-1:{ACCOUNT}:*/*/{verb}{path}"
        for verb, path in [("GET", "/connections/*/token"), *OPEN]
    ],
    "Condition": {"ArnNotLike": {"aws:PrincipalArn": OPERATORS}},
}

Statements = list[dict[str, Any]]


def admitted(template: dict[str, Any], **parameters: str) -> Statements:
    """The policy's statements for these parameters."""
    policy = template["Resources"]["Api"]["Properties"]["Auth"]["ResourcePolicy"]
    assert set(policy) == {"CustomStatements"}
    statements: Statements = Resolver(template, parameters).resolve(policy["CustomStatements"])
    return statements


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, [BROWSER]),
        ({"OrganizationId": ORGANIZATION}, [BROWSER, TOKENS_FOR_ORGANIZATION]),
        ({"AdmittedAccounts": ",".join(ACCOUNTS)}, [BROWSER, TOKENS_FOR_ACCOUNTS]),
        (
            {"OrganizationId": ORGANIZATION, "AdmittedAccounts": ",".join(ACCOUNTS)},
            [BROWSER, TOKENS_FOR_ORGANIZATION, TOKENS_FOR_ACCOUNTS],
        ),
        ({"OperatorRoles": ",".join(OPERATORS)}, [BROWSER, MANAGEMENT_FOR_OPERATORS]),
    ],
    ids=["nobody", "organization", "accounts", "both", "operators"],
)
def test_statements(
    template: dict[str, Any], parameters: dict[str, str], expected: Statements
) -> None:
    assert admitted(template, **parameters) == expected


def test_no_statement_allows_a_signed_route_to_the_own_account(
    template: dict[str, Any], deployed: Resources
) -> None:
    """Whatever the parameters: from the routes that SAM makes, not from a list kept here."""
    statements = admitted(
        template, OrganizationId=ORGANIZATION, AdmittedAccounts=",".join([*ACCOUNTS, ACCOUNT])
    )
    signed, checked = 0, 0
    for path, methods in deployed["Api"]["Properties"]["Body"]["paths"].items():
        for verb, method in methods.items():
            if method["security"] == [{"NONE": []}]:
                continue
            assert method["security"] == [{"AWS_IAM": []}]
            signed += 1
            route = f"execute-api:/v1/{verb.upper()}" + re.sub("{.*?}", "name", path)
            for statement in statements:
                assert statement["Effect"] == "Allow"
                if _covers(statement, route):
                    checked += 1
                    assert route == "execute-api:/v1/GET/connections/name/token"
                    excluded = statement["Condition"]["StringNotEquals"]
                    assert excluded == {"aws:PrincipalAccount": ACCOUNT}
    assert (signed, checked) == (len(SIGNED), 2)


def test_policy_reaches_the_api(deployed: Resources) -> None:
    policy = deployed["Api"]["Properties"]["Body"]["x-amazon-apigateway-policy"]
    assert policy["Version"] == "2012-10-17"
    assert [one.get("Sid", "Fn::If" in one) for one in policy["Statement"]] == [
        *("BrowserRoutes", True, True, True)
    ]


@pytest.mark.parametrize(
    ("role", "taken"),
    [
        ("arn:aws:iam::111122223333:role/operator", True),
        ("arn:aws-us-gov:iam::111122223333:role/sso/team/Operators_*", True),
        ("", True),
        ("*", False),
        ("arn:aws:iam::*:role/operator", False),
        ("arn:aws:iam::111122223333:role/*/operator", False),
        ("arn:aws:iam::111122223333:user/somebody", False),
        ("arn:aws:sts::111122223333:assumed-role/operator/session", False),
    ],
)
def test_an_operator_is_a_role_of_one_account(
    template: dict[str, Any], role: str, taken: bool
) -> None:
    """Compared with aws:PrincipalArn, which for a session is its role's ARN."""
    pattern = template["Parameters"]["OperatorRoles"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, role)) == taken


def _covers(statement: dict[str, Any], route: str) -> bool:
    patterns = statement["Resource"]
    patterns = [patterns] if isinstance(patterns, str) else patterns
    return any(re.fullmatch(re.escape(one).replace(r"\*", ".*"), route) for one in patterns)
