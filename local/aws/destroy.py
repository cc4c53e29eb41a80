"""make destroy: says what goes and what stays, asks, deletes the stack, says how the rest goes.

python -m local.aws.destroy STACK
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from local.aws.stack import Stack, Trouble, checked
from local.template import load

REMOVE = {
    "AWS::DynamoDB::Table": (
        "aws dynamodb update-table --table-name {id} --no-deletion-protection-enabled; "
        "aws dynamodb delete-table --table-name {id}"
    ),
    "AWS::KMS::Key": "aws kms schedule-key-deletion --key-id {id} --pending-window-in-days 30",
    "AWS::SecretsManager::Secret": "aws secretsmanager delete-secret --secret-id {id}",
    "AWS::SSM::Parameter": "aws ssm delete-parameter --name {id}",
    "AWS::Logs::LogGroup": "aws logs delete-log-group --log-group-name {id}",
    "AWS::Serverless::LayerVersion": "aws lambda delete-layer-version: versions of {id}",
    "AWS::IAM::Role": "aws iam delete-role, if no other API of the account logs: {id}",
    "AWS::ApiGateway::Account": "leave it: one setting for all APIs of the account",
}
"""How what stays is removed, by type of resource."""


def stays(stack: Stack) -> dict[str, str]:
    """Logical id → how it is removed, of what outlives the stack."""
    kept = {}
    for name, one in load()["Resources"].items():
        retained = one.get("DeletionPolicy", "").startswith("Retain")
        retained |= one.get("Properties", {}).get("RetentionPolicy") == "Retain"
        physical = next((stack.resources[key] for key in stack.resources if key == name), None)
        if retained and (physical or one["Type"] == "AWS::Serverless::LayerVersion"):
            kept[name] = REMOVE[one["Type"]].format(id=physical or f"{stack.name}-client")
    return kept


def destroy(stack: Stack, ask: Callable[[str], str], say: Callable[[str], None]) -> None:
    """Delete the stack once its name has been typed."""
    if stack.description is None:
        raise Trouble(f"There is no stack {stack.name} in this account and region.")
    kept = stays(stack)
    gone = sorted(set(stack.resources) - set(kept))
    say(f"Goes: {', '.join(gone)}")
    say(f"Stays: {', '.join(sorted(kept))}")
    say("Owners' consents stay too: only they can withdraw them (docs/operations.md, Uninstall).")
    if ask(f"Type {stack.name} to delete it: ") != stack.name:
        raise Trouble("Nothing was deleted.")
    cloudformation = stack.client("cloudformation")
    cloudformation.delete_stack(StackName=stack.name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack.name)
    say("Deleted. What stays is removed with:")
    for name in sorted(kept):
        say(f"  {name}: {kept[name]}")


def main(words: Sequence[str]) -> None:
    """One stack."""
    destroy(Stack(checked(words[0] if words else "")), input, print)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(str(trouble))
