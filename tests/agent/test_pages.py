"""The agent's pages: what can run here is run; examples are sound and keep what they promise."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml

from local.template import ROOT
from local.tools.node import NODE, installed
from tests.client.fake import Broker
from token_broker.agent import secret
from token_broker.operator.cli.commands import agent as commands

from .commands import environment, words
from .test_libraries import NODE_PACKAGES

DOCS = ROOT / "docs"
EXAMPLES = DOCS / "agent"


class Recipe(NamedTuple):
    """One block of the page. `options`: of `run`; None: it cannot run here."""

    title: str
    options: list[str] | None
    kind: str
    text: str


def recipes() -> list[Recipe]:
    """Every block, under its heading."""
    found = []
    page = (DOCS / "agent-recipes.md").read_text(encoding="utf-8")
    for section in page.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        pattern = r"(?:<!-- run(?:: (.*?))? -->\n)?```(\w+)\n(.*?)```"
        for match in re.finditer(pattern, section, re.DOTALL):
            runs = match[0].startswith("<!--")
            options = shlex.split(match[1] or "") if runs else None
            found.append(Recipe(title, options, match[2], match[3]))
    return found


PARSERS: dict[str, Callable[[str], Any]] = {
    "python": ast.parse,
    "json": json.loads,
    "yaml": yaml.safe_load,
}
RUN = [one for one in recipes() if one.options is not None]


@pytest.mark.parametrize("recipe", RUN, ids=[one.title for one in RUN])
def test_it_gets_a_token(recipe: Recipe, fake: Broker, tmp_path: Path) -> None:
    if recipe.kind == "js":
        (tmp_path / "node_modules").symlink_to(installed(NODE_PACKAGES))
    name, command = {
        "bash": ("recipe.sh", ["bash", "-eu", "recipe.sh"]),
        "python": ("recipe.py", [sys.executable, "-W", "error", "recipe.py"]),
        "js": ("recipe.mjs", [str(NODE), "recipe.mjs"]),
    }[recipe.kind]
    (tmp_path / name).write_text(recipe.text, encoding="utf-8")
    started = words("run", "--connection", "graph-jp", *(recipe.options or []), "--", *command)
    done = subprocess.run(
        started,
        cwd=tmp_path,
        env=environment(fake.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"{len('token-1')} characters\n"), done.stderr
    assert [asked.path for asked in fake.asked] == ["/connections/graph-jp/token"]


def test_ticks_mark_what_is_run() -> None:
    assert len(RUN) == 4
    for one in recipes():
        assert one.title.endswith("✓") == (one.options is not None)
        if one.kind in PARSERS:
            assert PARSERS[one.kind](one.text)


def test_every_language_and_place_has_a_recipe() -> None:
    titles = " ".join(one.title for one in recipes())
    for wanted in ("Node.js", "Java", "Go", ".NET", "PHP", "bash", "GitHub", "Airflow", "Glue"):
        assert wanted in titles
    page = (DOCS / "agent-recipes.md").read_text(encoding="utf-8")
    assert "## Amazon ECS" in page
    assert "## Amazon EKS" in page


def options(words_: list[str]) -> dict[str, Any]:
    """What the command makes of an example's words."""
    with click.Context(commands.agent) as context:
        commands.agent.parse_args(context, [*words_])
        return context.params


def test_the_image_is_slim_and_not_roots() -> None:
    text = (EXAMPLES / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all("-slim" in line for line in lines if line.startswith("FROM "))
    assert "USER 10001:10001" in lines
    entry = next(line for line in lines if line.startswith("ENTRYPOINT "))
    assert json.loads(entry.removeprefix("ENTRYPOINT ")) == ["token-broker", "agent"]
    check = next(line for line in lines if line.startswith("HEALTHCHECK"))
    assert options(json.loads(check.partition("CMD ")[2])[2:])["check"] is True
    assert f"EXPOSE {commands.PORT}" in lines


def test_the_task_definition_of_ecs() -> None:
    task = json.loads((EXAMPLES / "ecs-task-definition.json").read_text(encoding="utf-8"))
    sidecar, job = task["containerDefinitions"]
    assert task["networkMode"] == "awsvpc"
    assert sidecar["readonlyRootFilesystem"] is True
    assert sidecar["user"] == "10001:10001"
    assert options(sidecar["command"])["names"] == ("graph-jp",)
    assert options(sidecar["healthCheck"]["command"][3:])["check"] is True
    assert job["dependsOn"] == [{"containerName": sidecar["name"], "condition": "HEALTHY"}]
    (given,), (header,) = sidecar["secrets"], job["secrets"]
    assert (given["name"], header["name"]) == (secret.VARIABLE, "IDENTITY_HEADER")
    assert given["valueFrom"] == header["valueFrom"]
    variables = {one["name"]: one["value"] for one in job["environment"]}
    assert variables["IDENTITY_ENDPOINT"] == f"http://127.0.0.1:{commands.PORT}/msi/token"
    assert variables["AZURE_TOKEN_CREDENTIALS"] == "ManagedIdentityCredential"


def test_the_manifest_of_kubernetes() -> None:
    _, job = yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text(encoding="utf-8"))
    pod = job["spec"]["template"]["spec"]
    (sidecar,), (program,) = pod["initContainers"], pod["containers"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["securityContext"]["readOnlyRootFilesystem"] is True
    assert sidecar["securityContext"]["allowPrivilegeEscalation"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert options(sidecar["args"])["names"] == ("graph-jp",)
    assert options(sidecar["startupProbe"]["exec"]["command"][2:])["check"] is True
    given = {one["name"]: one for one in sidecar["env"]}[secret.VARIABLE]["valueFrom"]
    header = {one["name"]: one for one in program["env"]}["IDENTITY_HEADER"]["valueFrom"]
    assert given == header


def test_the_page_knows_every_option() -> None:
    page = (DOCS / "agent.md").read_text(encoding="utf-8")
    for command in (commands.run, commands.agent):
        for option in command.params:
            if isinstance(option, click.Option) and option.expose_value:
                assert option.opts[0] in page, option.opts[0]
