"""A function of the stack gets AWS's token for its role, and Entra's simulation takes it."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from typing import Any

import jwt
import pytest
import requests

from local.simulator.aws_tokens.client import AwsTokens

from .harness import Stack

AUDIENCE = "api://AzureADTokenExchange"

HANDLER = """
import boto3
from botocore.exceptions import ClientError

def handler(event, _context):
    sts = boto3.client("sts")
    try:
        identity = sts.get_caller_identity()["Arn"]
        token = sts.get_web_identity_token(**event)["WebIdentityToken"]
    except ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    return {"identity": identity, "token": token}
"""


def function(stack: Stack, policy: dict[str, Any]) -> tuple[str, str]:
    """A function with a role of its own: its name and the role's ARN."""
    iam, name = stack.client("iam"), f"vendor-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = iam.create_role(
        RoleName=name,
        Path="/token-broker/",
        AssumeRolePolicyDocument=json.dumps({"Statement": [trust | {"Action": "sts:AssumeRole"}]}),
    )["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    iam.put_role_policy(RoleName=name, PolicyName="tokens", PolicyDocument=document)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", HANDLER)
    stack.client("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
        Timeout=30,
    )
    return name, role


def invoke(stack: Stack, name: str, **changes: Any) -> dict[str, Any]:
    event = {"Audience": [AUDIENCE], "SigningAlgorithm": "RS256", "DurationSeconds": 300}
    answer = stack.client("lambda").invoke(
        FunctionName=name, Payload=json.dumps(event | changes).encode()
    )
    return dict(json.loads(answer["Payload"].read()))


@pytest.mark.parametrize("narrow", [True, False])
def test_a_function_gets_a_token_for_its_role(stack: Stack, narrow: bool) -> None:
    """With the narrow policy, whose keys the emulator does not know, and with a broad one."""
    conditions = {
        "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": AUDIENCE},
        "StringEquals": {"sts:SigningAlgorithm": "RS256"},
        "NumericLessThanEquals": {"sts:DurationSeconds": 300},
    }
    policy = {"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*"}
    name, role = function(stack, policy | ({"Condition": conditions} if narrow else {}))
    answer = invoke(stack, name)
    assert answer["identity"].endswith(f":assumed-role/{name}/{name}"), answer
    document = stack.document["web_identity"]
    keys = jwt.PyJWKClient(f"{document['issuer']}/.well-known/jwks.json")
    key = keys.get_signing_key_from_jwt(answer["token"]).key
    claims = jwt.decode(answer["token"], key, algorithms=["RS256"], audience=AUDIENCE)
    assert (claims["iss"], claims["sub"]) == (document["issuer"], role)
    longer = invoke(stack, name, DurationSeconds=600)
    assert ("code" in longer) is narrow, longer


def test_a_role_without_the_permission_gets_none(stack: Stack) -> None:
    policy = {"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}
    name, _ = function(stack, policy)
    assert invoke(stack, name) == {"code": "AccessDenied"}


def test_a_forged_signature_gets_none(stack: Stack) -> None:
    vendor = AwsTokens(stack.document["web_identity"]["issuer"])
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=ASIA0000000000000000/20261124/us-east-1/sts/"
        "aws4_request, SignedHeaders=host, Signature=00",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    body = "Action=GetWebIdentityToken&SigningAlgorithm=RS256&Audience.member.1=x"
    answer = requests.post(vendor.url, data=body, headers=headers, timeout=30)
    assert answer.status_code in (400, 403)
    assert "WebIdentityToken>" not in answer.text


def test_the_document_names_the_roles_that_stand_for_the_client(stack: Stack) -> None:
    document = stack.document["web_identity"]
    assert document["audience"] == AUDIENCE
    roles = {
        stack.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        for name in ("token-broker-callback", "token-broker-refresh")
    }
    assert set(document["subjects"]) == roles
