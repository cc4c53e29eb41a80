"""The built artifacts, unpacked as Lambda lays them out, and their handlers run on events."""

from __future__ import annotations

import json
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import deploy, package, servers
from local import template as local_template
from tests.e2e import runner
from tests.e2e.harness import Stack

EVENTS = local_template.ROOT / "events"
LAYERS = ("BrokerLayer", "DependenciesLayer")


@dataclass(frozen=True)
class Run:
    """One event: the handler's answer, and the AWS requests it took."""

    answer: Any
    requests: list[str]

    @property
    def body(self) -> Any:
        """The JSON body of an HTTP answer."""
        return json.loads(self.answer["body"])


@dataclass(frozen=True)
class Artifacts:
    """Where functions and layers were unpacked."""

    root: Path
    stack: Stack

    @classmethod
    def unpack(cls, root: Path, stack: Stack) -> Artifacts:
        """All archives that the stack was deployed from."""
        archives = package.build(local_template.load(), servers.emulator_python())
        for logical, archive in archives.items():
            with zipfile.ZipFile(archive) as bundle:
                bundle.extractall(root / logical)
        return cls(root, stack)

    def run(self, function: str, *events: Any) -> list[Run]:
        """Feed events to a function in a process of its own: one execution environment."""
        path = [self.root / f"{function.capitalize()}Function"]
        path += [self.root / layer / "python" for layer in LAYERS]
        with tempfile.TemporaryDirectory(dir=self.root) as directory:
            job, answers = Path(directory) / "job.json", Path(directory) / "answers.json"
            text = {"path": [str(one) for one in path], "events": events, "answers": str(answers)}
            job.write_text(json.dumps(text))
            command = [str(servers.emulator_python()), "-I", "-S", runner.__file__, str(job)]
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                env=self._environment(function),
            )
            assert done.returncode == 0, done.stderr
            written = json.loads(answers.read_text())
        _only_from(path, written["loaded"])
        return [Run(**found) for found in written["found"]]

    def _environment(self, function: str) -> Mapping[str, str]:
        """The function's own, as deployed, at the emulator."""
        name = f"{deploy.NAME}-{function}"
        deployed = self.stack.client("lambda").get_function_configuration(FunctionName=name)
        return {
            **deployed["Environment"]["Variables"],
            "AWS_REGION": deploy.REGION,
            "AWS_DEFAULT_REGION": deploy.REGION,
            "AWS_ENDPOINT_URL": self.stack.settings.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "HOME": str(self.root),
        }


def sample(name: str, **values: str) -> Any:
    """A sample event; `values`: what stands in place of the sample's own words."""
    text = (EVENTS / f"{name}.json").read_text()
    words = {
        "connection": "marketing-jp",
        "ticket": "t" * 43,
        "state": "s" * 43,
        "cookie": "c" * 43,
        "code": "CODE",
        "incarnation": "i" * 32,
        "refresh_token": "r" * 43,
    }
    for word, value in values.items():
        assert words[word] in text, f"{name} has no {word}"
        text = text.replace(words[word], value)
    return json.loads(text)


def _only_from(path: Sequence[Path], loaded: Sequence[str]) -> None:
    """Everything that was imported came from the artifacts or is Python's own."""
    foreign = [
        file
        for file in loaded
        if "site-packages" in file and not any(file.startswith(str(one)) for one in path)
    ]
    assert not foreign, foreign
