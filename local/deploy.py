"""Deploys the real template into the emulator, and mends there what the emulator leaves out.

Left out by MiniStack 1.5.33 when it comes from SAM: the API's resource policy and its gateway
responses. They are set through the API afterwards. An alarm over several metrics is refused: it
watches the first of them there. The template stays as AWS needs it.
"""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
from botocore.config import Config

from local import package
from local import template as local_template
from local.processes import StackError
from local.template import Resolver

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient

NAME = "token-broker"
"""Of the stack, and so of everything in it."""

API_ID = "tokenbroker"
"""Fixed, because the redirect URI has to be known before the API exists."""

STAGE = "v1"
REGION = local_template.REGION
BUCKET = "token-broker-artifacts"

ROLE_SECONDS = 12 * 3600
"""The longest a role session lasts on AWS: `make run` is played with for hours."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """The emulator's control plane, as its administrator."""

    endpoint: str

    def client(self, service: str) -> Any:
        """A boto3 client. Typed Any, as the caller knows which one it asked for."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 2}, read_timeout=120, proxies={}),
        )


def deploy(
    cloud: Cloud,
    template: Mapping[str, Any],
    archives: Mapping[str, Path],
    parameters: Mapping[str, str],
) -> dict[str, str]:
    """Upload, create the stack, mend. Returns the stack's outputs."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    locations = {}
    for logical, archive in archives.items():
        s3.upload_file(str(archive), BUCKET, archive.name)
        locations[logical] = f"s3://{BUCKET}/{archive.name}"
    packaged = simple(package.rewrite(copy.deepcopy(dict(template)), locations))
    s3.put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(packaged).encode())
    outputs = _create(cloud.client("cloudformation"), cloud.endpoint, parameters)
    _mend_gateway(cloud.client("apigateway"), template, parameters)
    _mend_concurrency(cloud.client("lambda"))
    _mend_batches(cloud)
    return outputs


def may_mail(cloud: Cloud, sender: str) -> None:
    """What an operator does in SES before the first mail: verify the sender, leave the sandbox."""
    ses = cloud.client("sesv2")
    ses.create_email_identity(EmailIdentity=sender)
    ses.put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=True
    )


def simple(template: dict[str, Any]) -> dict[str, Any]:
    """The template with one metric for each alarm."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
            metrics = properties.pop("Metrics")
            first = next(one["MetricStat"] for one in metrics if "MetricStat" in one)
            properties |= {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
    return template


def _create(
    cloudformation: CloudFormationClient, endpoint: str, parameters: Mapping[str, str]
) -> dict[str, str]:
    cloudformation.create_stack(
        StackName=NAME,
        TemplateURL=f"{endpoint}/{BUCKET}/template.json",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
        Tags=[{"Key": "ms-custom-id", "Value": API_ID}],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    except botocore.exceptions.WaiterError as error:
        events = cloudformation.describe_stack_events(StackName=NAME)["StackEvents"]
        reasons = [
            f"{event.get('LogicalResourceId')}: {event['ResourceStatusReason']}"
            for event in events
            if event.get("ResourceStatus", "").endswith("FAILED")
            and event.get("ResourceStatusReason")
        ]
        raise StackError("The template did not deploy:\n" + "\n".join(reasons)) from error
    (stack,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _mend_concurrency(functions: LambdaClient) -> None:
    """The emulator takes a number from a parameter as text, and then cannot compare it."""
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        limit = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        functions.update_event_source_mapping(
            UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": limit}
        )


def _mend_batches(cloud: Cloud) -> None:
    """The emulator asks for sqs:SendMessageBatch; on AWS sqs:SendMessage covers batches."""
    iam = cloud.client("iam")
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=NAME)
    for resource in resources["StackResources"]:
        if resource["ResourceType"] != "AWS::IAM::Role":
            continue
        role = resource["PhysicalResourceId"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            senders = [one for one in policy["Statement"] if "sqs:SendMessage" in one["Action"]]
            if senders:
                policy["Statement"] = [one | {"Action": "sqs:SendMessageBatch"} for one in senders]
                iam.put_role_policy(
                    RoleName=role, PolicyName="emulator", PolicyDocument=json.dumps(policy)
                )


def _mend_gateway(
    gateway: APIGatewayClient, template: Mapping[str, Any], parameters: Mapping[str, str]
) -> None:
    properties = template["Resources"]["Api"]["Properties"]
    statements = properties["Auth"]["ResourcePolicy"]["CustomStatements"]
    statements = Resolver(template, parameters).resolve(statements)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    gateway.update_rest_api(
        restApiId=API_ID, patchOperations=[{"op": "replace", "path": "/policy", "value": policy}]
    )
    for kind, response in properties["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        gateway.put_gateway_response(
            restApiId=API_ID,
            responseType=kind,
            statusCode=str(response["StatusCode"]),
            responseParameters={f"gatewayresponse.header.{k}": v for k, v in headers.items()},
            responseTemplates=response["ResponseTemplates"],
        )
    gateway.create_deployment(restApiId=API_ID, stageName=STAGE)


def set_secret(cloud: Cloud, arn: str, secret: str) -> None:
    """Store the client secret, as the output ClientSecretCommand does."""
    value = json.dumps({"client_secret": secret})
    cloud.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=value)


def subjects(cloud: Cloud) -> list[str]:
    """ARNs of the roles that may stand for the client: those of `callback` and `refresh`."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=NAME)
    functions = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in resources["StackResources"]
        if resource["ResourceType"] == "AWS::Lambda::Function"
    }
    configuration = cloud.client("lambda").get_function_configuration
    return [
        str(configuration(FunctionName=functions[name])["Role"])
        for name in ("CallbackFunction", "RefreshFunction")
    ]


def certificate(cloud: Cloud, outputs: Mapping[str, str]) -> str | None:
    """The public certificate of the client, as PEM, if the stack has one."""
    name = outputs.get("ClientCertificateParameterName")
    if name is None:
        return None
    value = cloud.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return value if "BEGIN CERTIFICATE" in value else None


def principals(cloud: Cloud, outputs: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Name → role_arn and session credentials, of `operator`, `team-a` and `team-b`.

    Their policies are the template's own outputs. Roles that are there already are used again.
    """
    policies = {
        "operator": outputs["OperatorPolicy"],
        "team-a": outputs["CallerPolicy"],
        "team-b": outputs["CallerPolicy"],
    }
    return {name: assume(cloud.client, name, policy) for name, policy in policies.items()}


def assume(client: Callable[[str], Any], name: str, policy: str) -> dict[str, str]:
    """Credentials of a role with this policy, made if it is not there."""
    iam, sts = client("iam"), client("sts")
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    arn = f"arn:aws:iam::{account}:role/{name}"
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
            MaxSessionDuration=ROLE_SECONDS,
        )
    iam.put_role_policy(RoleName=name, PolicyName="invoke", PolicyDocument=policy)
    session = sts.assume_role(RoleArn=arn, RoleSessionName=name, DurationSeconds=ROLE_SECONDS)
    keys = session["Credentials"]
    return {
        "role_arn": arn,
        "access_key_id": keys["AccessKeyId"],
        "secret_access_key": keys["SecretAccessKey"],
        "session_token": keys["SessionToken"],
    }
