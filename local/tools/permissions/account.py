"""The stack as one AWS account holds it: ARNs, and the policies with every reference filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.template import ACCOUNT, REGION, Resolver, load
from local.transform import Resources, transform

STACK = "s"
API = "a123456789"

ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{place}:table/{name}",
    "AWS::KMS::Key": "kms:{place}:key/{name}",
    "AWS::Lambda::Function": "lambda:{place}:function:{name}",
    "AWS::SecretsManager::Secret": "secretsmanager:{place}:secret:{name}",
    "AWS::SSM::Parameter": "ssm:{place}:parameter/{name}",
    "AWS::SQS::Queue": "sqs:{place}:{name}",
    "AWS::SNS::Topic": "sns:{place}:{name}",
    "AWS::Events::EventBus": "events:{place}:event-bus/{name}",
    "AWS::Events::Rule": "events:{place}:rule/" + STACK + "/{name}",
    "AWS::Logs::LogGroup": "logs:{place}:log-group:{name}:*",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
}
"""By type, what follows `arn:aws:`. Logical ids stand for the names."""

SPELLED = {
    "function:${AWS::StackName}-refresh:": "function:RefreshFunction:",
    "function:${AWS::StackName}-verify:": "function:VerifyFunction:",
    "parameter/token-broker/${AWS::StackName}/client-certificate": "parameter/ClientCertificate",
}
"""ARNs that the template spells out, where a reference would be one in a circle."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """A deployment of the template with these parameters."""

    parameters: Mapping[str, str]

    @cached_property
    def resources(self) -> Resources:
        """After the transform, references and conditions of parameters resolved."""
        template, given = load(), {"ClientId": "client", **self.parameters}
        resolver = Resolver(template, given)
        found = transform(template, given)
        there = {
            name: one
            for name, one in found.items()
            if "Condition" not in one or resolver.holds(one["Condition"])
        }
        resolved: Resources = resolver.resolve(there)
        return resolved

    @cached_property
    def arns(self) -> dict[str, str]:
        """Logical id → ARN, also `Function:live` and `Table/index/name`."""
        found = {}
        for name, one in self.resources.items():
            if one["Type"] in ARNS:
                place = f"{REGION}:{ACCOUNT}"
                text = ARNS[one["Type"]].format(place=place, account=ACCOUNT, name=name)
                found[name] = f"arn:aws:{text}"
            if one["Type"] == "AWS::Lambda::Function":
                found[f"{name}:live"] = f"{found[name]}:live"
            for index in one["Properties"].get("GlobalSecondaryIndexes", []):
                text = f"{name}/index/{index['IndexName']}"
                found[text] = f"{found[name]}/index/{index['IndexName']}"
        return found

    @cached_property
    def roles(self) -> dict[str, list[Document]]:
        """Logical id of each role → its own policies, those of AWS::IAM::Policy among them."""
        own = {
            name: [each["PolicyDocument"] for each in one["Properties"]["Policies"]]
            for name, one in self.resources.items()
            if one["Type"] == "AWS::IAM::Role" and "Policies" in one["Properties"]
        }
        for one in self.resources.values():
            if one["Type"] == "AWS::IAM::Policy":
                for role in one["Properties"]["Roles"]:
                    own[role["Ref"]].append(one["Properties"]["PolicyDocument"])
        return {name: [self._filled(each) for each in documents] for name, documents in own.items()}

    def key_policy(self, name: str) -> Document:
        """A KMS key's own policy: without it, nothing that a role says of a key counts."""
        filled: Document = self._filled(self.resources[name]["Properties"]["KeyPolicy"])
        return filled

    @cached_property
    def api_policy(self) -> Document:
        """The API's resource policy as API Gateway saves it. An ARN of any API is written as this
        one's: the engine, unlike AWS's own managed policies, takes no wildcard in that place."""
        policy = self.resources["Api"]["Properties"]["Body"]["x-amazon-apigateway-policy"]
        this = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}/"
        any_api = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:*/"

        def saved(text: str) -> str:
            shorthand = text.startswith("execute-api:/")
            return text.replace("execute-api:/" if shorthand else any_api, this, 1)

        document: Document = _each_text(self._filled(policy), saved)
        return document

    def attached(self, kind: str, target: str) -> Document:
        """The policy of a queue or topic: of AWS::SQS::QueuePolicy, AWS::SNS::TopicPolicy."""
        (found,) = [
            one["Properties"]["PolicyDocument"]
            for one in self.resources.values()
            if one["Type"] == kind and target in str(one["Properties"])
        ]
        filled: Document = self._filled(found)
        return filled

    def routes(self) -> Iterator[tuple[str, str, bool]]:
        """Verb, path with a name in place of each parameter, and whether it must be signed."""
        for path, methods in self.resources["Api"]["Properties"]["Body"]["paths"].items():
            for verb, method in methods.items():
                signed = method["security"] == [{"AWS_IAM": []}]
                yield verb.upper(), re.sub("{.*?}", "marketing-jp", path), signed

    def _filled(self, node: Any) -> Any:
        """References to resources as ARNs."""
        if isinstance(node, list):
            return [self._filled(item) for item in node]
        if not isinstance(node, dict):
            return node
        match node:
            case {"Ref": str(name)}:
                return self.arns[re.sub("Alias(?=live$)", ":", name)]
            case {"Fn::GetAtt": [str(name), "Arn" | "Id"]}:
                return self.arns[name]
            case {"Fn::Sub": str(text)}:
                for name, logical in SPELLED.items():
                    text = text.replace(name, logical)
                return re.sub(r"\$\{(\w+)\.Arn\}", lambda name: self.arns[name[1]], text)
            case _:
                return {key: self._filled(value) for key, value in node.items()}


def _each_text(node: Any, change: Any) -> Any:
    if isinstance(node, list):
        return [_each_text(item, change) for item in node]
    if isinstance(node, dict):
        return {key: _each_text(value, change) for key, value in node.items()}
    return change(node) if isinstance(node, str) else node
