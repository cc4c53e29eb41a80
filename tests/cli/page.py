"""docs/cli.md: its commands are run against a stack, and what they say is what the page shows.

    python -m tests.cli.page        # writes the outputs anew, from a stack of its own

A block is ```console with commands after `$`; comments tell what happens beside them:
`<!-- as NAME -->` whose credentials from here on; `<!-- owner consents -->` the next link that is
shown is opened, and consented to; `<!-- dead letter -->` one lies in the queue;
`<!-- file NAME -->` the next block is that file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from local.settings import Settings
from local.template import ROOT
from tests.cli.conftest import environment
from tests.e2e.harness import Stack, up

PAGE = ROOT / "docs" / "cli.md"
OWNER = "owner@contoso.example"
URL = "https://abc123.execute-api.eu-west-1.amazonaws.com/v1"

_PART = re.compile(r"(?P<comment><!-- .*? -->)|```(?P<kind>\w+)\n(?P<body>.*?)```", re.DOTALL)
_LINK = re.compile(r"http\S+/authorize\?ticket=\S+")
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b(in )?\d+ (d|h|min|s)\b( ago)?"), "<while>"),
    (re.compile(r"ticket=[\w-]+"), "ticket=<ticket>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"eyJ[\w.…-]+"), "<token>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"(generation|version) +\d+"), r"\1 <number>"),
    (re.compile(r" +(?=\n)"), ""),
)


def steady(text: str) -> str:
    """The text without what differs from run to run."""
    for pattern, stand_in in _VOLATILE:
        text = pattern.sub(stand_in, text)
    return text


class Shell:
    """Runs the page's commands one after the other in a directory of its own."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self._stack, self._directory = stack, directory
        self._principal, self._owner_waits = "operator", False
        self._file: str | None = None
        stack.platform.settings(throttle_threshold=None)
        script = directory / "token-broker"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m token_broker "$@"\n')
        script.chmod(0o700)

    def rewrite(self, page: str) -> str:
        """The page with the outputs of now."""
        return _PART.sub(self._part, page)

    def _part(self, match: re.Match[str]) -> str:
        if match["comment"]:
            self._direct(match["comment"].removeprefix("<!-- ").removesuffix(" -->"))
        elif self._file:
            text = self._fill(match["body"])
            (self._directory / self._file).write_text(text)
            self._file = None
        elif match["kind"] == "console":
            return f"```console\n{''.join(self._commands(match['body']))}```"
        return match.group()

    def _direct(self, words: str) -> None:
        if words.startswith("as "):
            self._principal = words.removeprefix("as ")
        elif words == "owner consents":
            self._owner_waits = True
        elif words == "dead letter":
            queue = self._stack.outputs["RefreshDeadLetterQueueUrl"]
            self._stack.client("sqs").send_message(
                QueueUrl=queue, MessageBody='{"connection": "x"}'
            )
        elif words.startswith("file "):
            self._file = words.removeprefix("file ")

    def _fill(self, text: str) -> str:
        """A file with refresh tokens in place of `…`, each of a user of its own."""
        while "…" in text:
            user = self._stack.user()
            scope = "https://ads.microsoft.com/msads.manage offline_access openid profile"
            minted = self._stack.platform.mint(user, scope)
            text = text.replace("…", minted["refresh_token"], 1)
        return text

    def _commands(self, body: str) -> Iterator[str]:
        for line in body.splitlines():
            if line.startswith("$ "):
                yield f"{line}\n{self._shown(self._run(line.removeprefix('$ ')))}"

    def _run(self, command: str) -> str:
        env = {**os.environ, **environment(self._stack, self._principal), "PYTHONUNBUFFERED": "1"}
        env["PATH"] = f"{self._directory}:{env['PATH']}"
        paths = [str(ROOT / "layers" / "client"), *filter(None, [os.environ.get("PYTHONPATH")])]
        env["PYTHONPATH"] = ":".join(paths)
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self._directory,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = []
        with process:
            assert process.stdout
            for line in process.stdout:
                said.append(line)
                link = _LINK.search(line)
                if link and self._owner_waits:
                    self._owner_waits = False
                    self._stack.consent(link.group(), OWNER)
        code = process.returncode
        return "".join(said) + (f"exit status {code}\n" if code else "")

    def _shown(self, text: str) -> str:
        """As a reader may see it."""
        text = text.replace(self._stack.api_url, URL)
        text = re.sub(r"eyJ[\w.-]{20,}", "eyJ0eXAiOiJKV1Qi…", text)
        text = re.sub(r"(ticket=[\w-]{4})[\w-]+", r"\1…", text)
        return "\n".join(line.rstrip() for line in text.splitlines()) + ("\n" if text else "")


def main() -> None:
    """Write the page anew."""
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory) / "state"
        with up(Settings.apart(state)) as stack:
            page = Shell(stack, Path(directory)).rewrite(PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
