"""Each kind of client authentication has its resources and rights only if it is listed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from itertools import permutations
from typing import Any

import pytest

from broker.adapters import web_identity
from broker.domain.credentials import PLACEHOLDER, CredentialKind, preference
from broker.providers.federation import AUDIENCE
from local.simulator.aws_tokens.policy import allows
from local.template import Resolver
from tests.template.conftest import Resources

STEPS = ("Callback", "Refresh")
MADE_OF = {
    CredentialKind.SECRET: {"ClientSecret"},
    CredentialKind.CERTIFICATE: {
        *("ClientKey", "ClientKeyAlias", "ClientCertificate", "ClientKeyRights"),
        *("CertificateAlarm", "CertificateExpiryAlarm"),
    },
    CredentialKind.FEDERATED: {"FederatedAlarm"},
}
VARIABLES = {
    CredentialKind.SECRET: {"CLIENT_SECRET"},
    CredentialKind.CERTIFICATE: {"CLIENT_KEY", "CLIENT_CERTIFICATE"},
    CredentialKind.FEDERATED: set[str](),
}
OUTPUTS = {
    CredentialKind.SECRET: {"ClientSecretArn", "ClientSecretCommand"},
    CredentialKind.CERTIFICATE: {"ClientKeyArn", "ClientCertificateParameterName"},
    CredentialKind.FEDERATED: {"ClientSubjects"},
}
ORDERS = [
    ",".join(kinds) for count in (1, 2, 3) for kinds in permutations(list(CredentialKind), count)
]


def test_the_parameter_takes_every_order_and_nothing_else(template: dict[str, Any]) -> None:
    parameter = template["Parameters"]["ClientAuthentication"]
    assert sorted(parameter["AllowedValues"]) == sorted(ORDERS)
    assert parameter["Default"] == "secret"
    for order in parameter["AllowedValues"]:
        assert ",".join(preference(order)) == order


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_not_listed_does_not_exist(template: dict[str, Any], order: str) -> None:
    resolver = Resolver(template, {"ClientAuthentication": order})
    listed = set(preference(order))
    kinds = {logical: kind for kind, names in MADE_OF.items() for logical in names}
    for logical, resource in template["Resources"].items():
        condition = resource.get("Condition")
        if logical in kinds:
            assert resolver.holds(condition) == (kinds[logical] in listed), logical
        else:
            assert not str(condition).startswith("Uses"), logical
    outputs = {name: kind for kind, names in OUTPUTS.items() for name in names}
    for name, kind in outputs.items():
        assert resolver.holds(template["Outputs"][name]["Condition"]) == (kind in listed)
    for step in STEPS:
        function = template["Resources"][f"{step}Function"]["Properties"]
        variables = resolver.resolve(function["Environment"]["Variables"])
        assert variables["CLIENT_AUTHENTICATION"] == order
        for kind, names in VARIABLES.items():
            for name in names:
                assert (variables[name] != "") == (kind in listed), (step, name)
        actions = {
            statement["Action"][0] if isinstance(statement["Action"], list) else statement["Action"]
            for statement in statements(resolver, template, step)
        }
        secret, federated = CredentialKind.SECRET in listed, CredentialKind.FEDERATED in listed
        assert ("secretsmanager:GetSecretValue" in actions) == secret
        assert ("sts:GetWebIdentityToken" in actions) == federated


def statements(resolver: Resolver, template: dict[str, Any], step: str) -> list[dict[str, Any]]:
    """The statements of a role's own policy, as far as conditions leave them."""
    (policy,) = template["Resources"][f"{step}Role"]["Properties"]["Policies"]
    found: list[dict[str, Any]] = resolver.resolve(policy["PolicyDocument"]["Statement"])
    return found


def test_a_stack_with_a_secret_alone_is_as_it_was(template: dict[str, Any]) -> None:
    """Whoever uses only a secret pays for nothing else."""
    resolver = Resolver(template, {})
    more = MADE_OF[CredentialKind.CERTIFICATE] | MADE_OF[CredentialKind.FEDERATED]
    for logical in more:
        assert not resolver.holds(template["Resources"][logical]["Condition"])


def test_only_callback_and_refresh_may_sign(resources: Resources) -> None:
    """By their own policy, and whatever else IAM allows anyone, by the key's."""
    rights = resources["ClientKeyRights"]["Properties"]
    assert rights["Roles"] == [{"Ref": "CallbackRole"}, {"Ref": "RefreshRole"}]
    sign, read = rights["PolicyDocument"]["Statement"]
    assert (sign["Action"], sign["Resource"]) == (
        "kms:Sign",
        {"Fn::GetAtt": ["ClientKey", "Arn"]},
    )
    assert sign["Condition"] == {
        "StringEquals": {
            "kms:SigningAlgorithm": "RSASSA_PSS_SHA_256",
            "kms:MessageType": "RAW",
        }
    }
    assert read["Action"] == "ssm:GetParameter"
    name = resources["ClientCertificate"]["Properties"]["Name"]["Fn::Sub"]
    assert read["Resource"]["Fn::Sub"].endswith(f":parameter{name}")
    key = resources["ClientKey"]["Properties"]
    roles = [{"Fn::GetAtt": ["CallbackRole", "Arn"]}, {"Fn::GetAtt": ["RefreshRole", "Arn"]}]
    delegation, *denials = key["KeyPolicy"]["Statement"]
    assert delegation["Action"] == "kms:*"
    assert {one["Effect"] for one in denials} == {"Deny"}
    assert {one["Action"] for one in denials} == {"kms:Sign"}
    assert [one["Condition"] for one in denials] == [
        {
            "StringNotEquals": {"kms:SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"},
            "ArnNotEquals": {"aws:PrincipalArn": roles},
        },
        {
            "StringNotEquals": {"kms:SigningAlgorithm": "RSASSA_PSS_SHA_256"},
            "ArnEquals": {"aws:PrincipalArn": roles},
        },
        {"StringNotEquals": {"kms:MessageType": "RAW"}},
    ]


def test_the_key_is_one_that_signs(resources: Resources) -> None:
    key = resources["ClientKey"]["Properties"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("RSA_2048", "SIGN_VERIFY")
    assert resources["ClientCertificate"]["Properties"]["Value"] == PLACEHOLDER
    assert resources["ClientCertificate"]["DependsOn"] == "ClientKeyRights"


def test_no_resource_waits_for_itself(deployed: Resources) -> None:
    """With every condition held to be true, which cfn-lint does not look at."""
    needs = {
        logical: {name for name in names(resource) if name in deployed}
        for logical, resource in deployed.items()
    }
    assert [*TopologicalSorter(needs).static_order()]


def names(node: Any) -> Iterator[str]:
    """What Ref, Fn::GetAtt, Fn::Sub and DependsOn name."""
    match node:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), *_]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from re.findall(r"\$\{(\w+)", text)
        case dict():
            for key, value in node.items():
                yield from [value] if key == "DependsOn" and isinstance(value, str) else ()
                yield from value if key == "DependsOn" and isinstance(value, list) else ()
                yield from names(value)
        case list():
            for value in node:
                yield from names(value)


ASKED = {
    "sts:IdentityTokenAudience": [AUDIENCE],
    "sts:SigningAlgorithm": ["RS256"],
    "sts:DurationSeconds": [str(web_identity.SECONDS)],
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({}, True),
        ({"sts:DurationSeconds": [str(web_identity.SHORTEST)]}, True),
        ({"sts:SubjectMode": ["AWSIdentity"]}, True),
        ({"sts:IdentityTokenAudience": [AUDIENCE, "https://elsewhere.example"]}, False),
        ({"sts:IdentityTokenAudience": [AUDIENCE.lower()]}, False),
        ({"sts:IdentityTokenAudience": None}, False),
        ({"sts:SigningAlgorithm": ["ES384"]}, False),
        ({"sts:DurationSeconds": ["301"]}, False),
        ({"sts:SubjectMode": ["OriginIdentity"]}, False),
    ],
)
def test_a_role_may_ask_for_this_token_and_no_other(
    template: dict[str, Any], step: str, changes: dict[str, list[str] | None], admitted: bool
) -> None:
    resolver = Resolver(template, {"ClientAuthentication": "federated"})
    context = {key: values for key, values in (ASKED | changes).items() if values is not None}
    own = statements(resolver, template, step)
    assert allows(own, "sts:GetWebIdentityToken", context) == admitted
    assert not allows(own, "sts:TagGetWebIdentityToken", context)
    nothing = Resolver(template, {"ClientAuthentication": "secret,certificate"})
    assert not allows(statements(nothing, template, step), "sts:GetWebIdentityToken", context)
