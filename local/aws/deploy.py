"""make deploy: a change set of what was built, and what to do next.

python -m local.aws.deploy STACK [PARAMETER=VALUE ...]
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence

from local.aws.stack import Stack, Trouble, checked
from local.template import ROOT, load

SAM = ROOT / ".venv-sam" / "bin" / "sam"

FAILED_AT_FIRST = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
"""A stack whose creation failed: CloudFormation can only delete it."""


def release(commit: str, parameters: Mapping[str, str]) -> str:
    """The template's parameter `Release`: another one for another commit or other parameters."""
    chosen = {name: value for name, value in sorted(parameters.items()) if name != "Release"}
    digest = hashlib.sha256(json.dumps(chosen).encode()).hexdigest()
    return f"{commit}-{digest[:8]}"


def parse(words: Sequence[str], known: Mapping[str, object]) -> dict[str, str]:
    """PARAMETER=VALUE words."""
    given = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or name not in known:
            raise Trouble(f"{word}: PARAMETER=VALUE, of {', '.join(sorted(known))}.")
        given[name] = value
    return given


def command(stack: Stack, given: Mapping[str, str], commit: str) -> list[str]:
    """What `sam` is called with. Parameters that are not given keep the values they have."""
    status = (stack.description or {}).get("StackStatus", "")
    if status in FAILED_AT_FIRST:
        raise Trouble(
            f"{stack.name} is {status}: its first deployment failed. `make destroy STACK="
            f"{stack.name}` removes what is left, then deploy again."
        )
    if not stack.description and "ClientId" not in given:
        raise Trouble("A new stack needs PARAMETERS='ClientId=<application id>' at least.")
    named = release(commit, {**stack.parameters, **given})
    overrides = [f"{name}={value}" for name, value in {**given, "Release": named}.items()]
    words = [str(SAM), "deploy", "--stack-name", stack.name, "--no-fail-on-empty-changeset"]
    return [*words, "--parameter-overrides", *overrides]


def next_steps(stack: Stack) -> str:
    """What a new operator does with the outputs; docs/deploy.md says more."""
    out = stack.outputs
    return f"""
Next:
1. Entra, Authentication, platform "Web": add the redirect URI
     {out["RedirectUri"]}
2. Store the client secret (its value, not its id):
     {out["ClientSecretCommand"]}
3. Give operators and jobs their policies:
     {out["OperatorPolicy"]}
     {out["CallerPolicy"]}
4. See whether all is well:
     make acceptance STACK={stack.name}
"""


def _commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "local"


def main(words: Sequence[str]) -> None:
    """Deploy, then say what is next. `sam` shows the change set and asks."""
    stack = Stack(checked(words[0] if words else ""))
    given = parse(words[1:], load()["Parameters"])
    done = subprocess.run(command(stack, given, _commit()), cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)
    print(next_steps(Stack(stack.name)))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Trouble as trouble:
        sys.exit(str(trouble))
