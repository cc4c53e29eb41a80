"""What this service asks of the emulator: to check a signature, and who owns an access key.

MiniStack 1.5.33 tells nobody whose a session's key is, but derives a function's key from the
function's and the role's ARN; so the functions that exist name their callers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
import requests
from botocore.config import Config

TIMEOUT_SECONDS = 30
REGION = "us-east-1"

_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive"}
"""Headers of one hop, RFC 9110 §7.6.1; the signature never covers them here."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function and its execution role, by ARN."""

    arn: str
    role_arn: str

    @property
    def account(self) -> str:
        """12 digits."""
        return self.role_arn.split(":")[4]

    @property
    def role_name(self) -> str:
        """Without its path."""
        return self.role_arn.rpartition("/")[2]

    @property
    def access_key_id(self) -> str:
        """Of the role's session in this function, as the emulator derives it."""
        digest = hashlib.sha256(f"{self.arn}:{self.role_arn}".encode()).hexdigest()
        return f"ASIA{digest[:16].upper()}"


@dataclass(frozen=True, slots=True)
class Emulator:
    """The emulator at `url`, as its administrator."""

    url: str

    def forward(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> requests.Response:
        """The request as it was signed, its Host included."""
        kept = {name: value for name, value in headers.items() if name.lower() not in _HOP}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                self.url + path,
                headers=kept,
                data=body,
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
            )

    def function(self, access_key_id: str) -> Function | None:
        """Whose session this key is."""
        functions = self._client("lambda")
        pages = functions.get_paginator("list_functions").paginate
        for page in pages(FunctionVersion="ALL"):
            for entry in page["Functions"]:
                plain = ":".join(entry["FunctionArn"].split(":")[:7])
                arns = {entry["FunctionArn"], plain, f"{plain}:{entry['Version']}"}
                for alias in functions.list_aliases(FunctionName=plain)["Aliases"]:
                    arns |= {alias["AliasArn"], f"{plain}:{alias['FunctionVersion']}"}
                for arn in arns:
                    if Function(arn, entry["Role"]).access_key_id == access_key_id:
                        return Function(plain, entry["Role"])
        return None

    def statements(self, role: str) -> list[dict[str, Any]]:
        """All statements of a role's own and attached policies."""
        iam = self._client("iam")
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            policy = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]
            version = policy["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=version)
            documents.append(answer["PolicyVersion"]["Document"])
        statements: list[dict[str, Any]] = []
        for document in documents:
            entry = json.loads(document) if isinstance(document, str) else document
            listed = entry["Statement"]
            statements += listed if isinstance(listed, list) else [listed]
        return statements

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, connect_timeout=5, read_timeout=TIMEOUT_SECONDS),
        )
