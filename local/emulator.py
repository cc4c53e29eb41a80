"""``python -m local.emulator``: MiniStack, with two changes to how it runs Python functions and
three to what policies see of requests.

Whole logs. MiniStack 1.5.33 (`lambda_runtime.Worker._drain_stderr_bounded`) waits up to 50 ms after
a function's answer for the first line of its log, 5 ms for each further one, and files what its
reading thread has brought by then. On a busy machine the thread is later than that: lines are filed
with the next call of the same process, or lost with the process. Here a worker ends the log of each
call with a mark, and the call waits for the mark: once a function has answered, its log is there.

Archives unpacked once. MiniStack unpacks code and layers (2,000 files) for each process. Here each
archive is unpacked once, and the processes see it through a link, as Lambda's environments see one
image of /opt and /var/task.

Conditions on keys and attributes. MiniStack gives IAM the attributes that a projection names, and
no more. Here a policy also sees the key of the item (`dynamodb:LeadingKeys`), the attributes that
an update touches (`dynamodb:Attributes`) and what it returns (`dynamodb:ReturnValues`), so that the
roles' limits hold as on AWS. Of a request to KMS for a signature it sees algorithm and kind of
message, and of whoever asks anything the role, not its session (`aws:PrincipalArn`).
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html

Senders of mail. MiniStack gives IAM no `ses:FromAddress`; here it does.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsesv2.html
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import re
import tempfile
import threading
import types
import zipfile
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator, lambda_runtime

END = "\x1eend of the call's log"
"""No function writes a record separator (U+001E)."""

WAIT_SECONDS = 30.0
"""For a mark that never comes; one that does is there within milliseconds, or on a machine at its
limit within a second or two."""

ANSWERED = "        _real_stdout.flush()\n\nrun()\n"
"""How MiniStack's worker program ends: the answer of one call goes out."""


def marked(program: str) -> str:
    """The worker program, with the mark written before each answer goes out."""
    if program.count(ANSWERED) != 1:
        raise SystemExit("MiniStack's worker is another one: look at local/emulator.py.")
    mark = f"        sys.stderr.write({END + chr(10)!r})\n        sys.stderr.flush()\n"
    return program.replace(ANSWERED, mark + ANSWERED)


def read(worker: Any) -> None:
    """Queue the lines of one process until it ends, which is the end of a log too."""
    lines = worker._stderr_queue
    try:
        for line in worker._proc.stderr:
            lines.put(line.rstrip("\n"))
    finally:
        lines.put(END)


def drain(worker: Any) -> str:
    """The log of one call, up to its mark."""
    lines: list[str] = []
    try:
        while (line := worker._stderr_queue.get(timeout=WAIT_SECONDS)) != END:
            lines.append(line)
    except queue.Empty:
        lines.append("local.emulator: the end of this log did not arrive")
    return "\n".join(lines)


class Archive(zipfile.ZipFile):
    """One archive of a function or layer that this stack built."""

    _unpacking = threading.Lock()

    def namelist(self) -> list[str]:
        """Nothing to check: MiniStack looks here for entries that leave the directory."""
        return []

    def extractall(self, path: Any = None, *_: Any, **__: Any) -> None:
        """Make the empty directory `path` a link to the unpacked archive."""
        digest = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        unpacked = Path(tempfile.gettempdir()) / "unpacked" / digest
        with self._unpacking:
            if not unpacked.exists():
                partial = unpacked.with_suffix(".partial")
                super().extractall(partial, super().namelist())
                partial.rename(unpacked)
        os.rmdir(path)
        os.symlink(unpacked, path)


def complete_logs() -> None:
    """Change MiniStack in this process."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = marked(lambda_runtime._PYTHON_WORKER_SCRIPT)
    lambda_runtime.Worker._read_stderr = read
    lambda_runtime.Worker._drain_stderr = drain
    lambda_runtime.Worker._drain_stderr_bounded = drain


def unpack_once() -> None:
    """Change MiniStack in this process."""
    names = types.SimpleNamespace(**vars(zipfile))
    names.ZipFile = Archive
    lambda_runtime.zipfile = names


EXPRESSIONS = ("UpdateExpression", "ConditionExpression")
ATTRIBUTE = re.compile(r"(?<![:.\w#])#?[A-Za-z_]\w*(?!\w*\s*\()")
"""A path's first name or placeholder: no value, no later part, no function."""
WORDS = {"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"}


def context(body: bytes, known: Any = iam_actions.dynamodb_service_context) -> dict[str, Any]:
    """The condition keys of a request to DynamoDB."""
    keys: dict[str, Any] = known(body)
    request: dict[str, Any] = json.loads(body) if keys else {}
    # Which attribute of a new item is the key, only the table knows; where it matters, it is `id`.
    item = request.get("Key") or {name: request.get("Item", {}).get(name, {}) for name in ("id",)}
    if leading := [text for typed in item.values() for text in typed.values()]:
        keys["dynamodb:LeadingKeys"] = leading
    if "UpdateExpression" in request:
        keys["dynamodb:Attributes"] = sorted({*item, *touched(request)})
        keys["dynamodb:ReturnValues"] = request.get("ReturnValues", "NONE")
    return keys


def touched(request: dict[str, Any]) -> set[str]:
    """Top-level attributes in an update's expressions."""
    names = request.get("ExpressionAttributeNames", {})
    text = " ".join(request.get(name, "") for name in EXPRESSIONS)
    return {names.get(word, word) for word in ATTRIBUTE.findall(text)} - WORDS


def signing(
    service: str,
    action: str,
    body: bytes,
    params: dict[str, Any],
    known: Any = iam_actions.request_tag_context,
) -> dict[str, Any]:
    """The condition keys of a request to KMS for a signature, beside those of any request."""
    keys: dict[str, Any] = known(service, action, body, params)
    if action == "kms:Sign":
        request = json.loads(body)
        keys["kms:SigningAlgorithm"] = request.get("SigningAlgorithm")
        keys["kms:MessageType"] = request.get("MessageType", "RAW")
    return keys


def condition_key(key: str, request: Any, known: Any = iam_evaluator._resolve_condition_key) -> Any:
    """The value of a condition key; `aws:PrincipalArn` of a role's session is the role's ARN.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html"""
    value = known(key, request)
    if key.lower() == "aws:principalarn" and ":assumed-role/" in value:
        account, role = value.split(":")[4], value.split("/")[1]
        return f"arn:aws:iam::{account}:role/{role}"
    return value


def whole_conditions() -> None:
    """Change MiniStack in this process."""
    iam_actions.dynamodb_service_context = context
    iam_actions.request_tag_context = signing
    iam_evaluator._resolve_condition_key = condition_key


SENDER: ContextVar[str | None] = ContextVar("SENDER", default=None)
"""From whom the mail is that is being judged."""


def senders() -> None:
    """Change MiniStack in this process."""
    enforce_ses, enforce = app._enforce_ses_v2, iam_evaluator.enforce

    def of_mail(method: str, path: str, headers: dict[str, str], body: bytes, *rest: Any) -> Any:
        address = json.loads(body or b"{}").get("FromEmailAddress")
        before = SENDER.set(address)
        try:
            return enforce_ses(method, path, headers, body, *rest)
        finally:
            SENDER.reset(before)

    def judged(*positional: Any, **named: Any) -> Any:
        if address := SENDER.get():
            named["service_context"] = {"ses:FromAddress": address}
        return enforce(*positional, **named)

    app._enforce_ses_v2, iam_evaluator.enforce = of_mail, judged


if __name__ == "__main__":
    complete_logs()
    unpack_once()
    whole_conditions()
    senders()
    app.main()
