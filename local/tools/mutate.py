"""``python -m local.tools.mutate [module ...]``: mutation testing of the rules that matter most.

Changes one expression at a time in a copy of the broker (mutmut), runs the unit tests that reach
the changed function, and lists the changes that no test noticed. `docs/mutation.md` has the score
and says of each survivor why it stays. Every module has a workspace in `.local/mutation/`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from local.template import ROOT

MODULES = {
    "grants": ("domain/grants", "test_grants*"),
    "scopes": ("domain/scopes", "test_scope*"),
    "policy": ("lifecycle/policy", "test_policy*", "steps/test_refresh*"),
    "serving": ("lifecycle/serving", "test_serving*", "test_query*"),
    "verdict": ("lifecycle/verdict", "test_verdict*", "steps/test_refresh*"),
    "redemption": (
        "lifecycle/redemption",
        "steps/test_refresh*",
        "steps/test_token*",
        "test_token_answers*",
        "test_pauses*",
        "test_races*",
    ),
    "token": ("steps/token", "steps/test_token*", "test_moved_values*", "test_races*"),
    "callback": ("steps/callback", "steps/test_callback*", "steps/test_admin*", "test_races*"),
    "identity": ("providers/entra/id_token", "test_identity*", "steps/test_callback*"),
    "admission": ("lifecycle/admission", "test_identity*"),
    "claims": ("providers/claims", "test_identity*", "*google*"),
    "sealing": ("sealing/envelope", "test_sealing*"),
    "unsealed": ("sealing/unsealed", "test_unsealed*"),
    "breaker": (
        "providers/credential_breaker",
        "test_oauth*",
        "test_client_auth*",
        "test_federation*",
        "steps/test_refresh*",
    ),
}
"""What is mutated, below layers/broker/broker, and the files of tests/unit that must notice."""

NOTICED = ("killed", "timeout")

COPIED = ("tests", "local", "docs", "events", "template.yaml", "layers/client", "functions")
"""What unit tests read beside the package."""

PYTHON = ROOT / ".venv-mutation" / "bin" / "python"
WORK = ROOT / ".local" / "mutation"

CONFIGURATION = """\
[tool.pytest.ini_options]
pythonpath = ["layers/client", "."]
addopts = "-p no:cacheprovider --strict-markers"
filterwarnings = ["error"]

[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/broker/{path}.py"]
also_copy = {copied}
pytest_add_cli_args_test_selection = {tests}
use_git_change_detection = false
"""


def main(names: list[str]) -> int:
    """Exit status: 0 done (survivors or not), 1 mutmut failed, 2 no such module."""
    unknown = set(names) - set(MODULES)
    if unknown:
        print(f"No such module: {', '.join(sorted(unknown))}. Take of: {', '.join(MODULES)}")
        return 2
    return max(mutate(name) for name in names or MODULES)


def mutate(name: str) -> int:
    """One module: its score, and what survived."""
    workspace = prepare(name)
    ran = mutmut(workspace, "run", "--max-children", "1")
    log = workspace / "run.log"
    log.write_text(ran.stdout)
    results = dict(result(line) for line in lines(workspace, "results", "--all", "true"))
    if ran.returncode or not results:
        print(f"{name}: mutmut failed; see {log}")
        return 1
    missed = {mutant: status for mutant, status in results.items() if status not in NOTICED}
    diffs = {mutant: lines(workspace, "show", mutant)[1:] for mutant in missed}
    prose = {mutant for mutant, diff in diffs.items() if reworded(diff)}
    noticed, counted = len(results) - len(missed), len(results) - len(prose)
    print(
        f"{name}: {noticed} of {counted} noticed ({100 * noticed / counted:.1f} %); "
        f"beside them {len(prose)} of a message's wording"
    )
    for mutant in filter(lambda mutant: mutant not in prose, missed):
        print("\n".join(["", f"{missed[mutant]}: {mutant}", *diffs[mutant]]))
    return 0


def reworded(diff: list[str]) -> bool:
    """Whether only the words of a text for people changed: a string with a space in it."""
    removed, added = (
        [line[1:].strip() for line in diff if line.startswith(sign) and line[:3] != sign * 3]
        for sign in "-+"
    )
    same = [line.casefold() for line in removed] == [
        line.replace("XX", "").casefold() for line in added
    ]
    return same and any(re.search(r"""["'][^"']*\w \w[^"']*["']""", line) for line in removed)


def prepare(name: str) -> Path:
    """The module's workspace, with the sources as they are now; mutmut would keep old verdicts
    although a test is new."""
    workspace = WORK / name
    shutil.rmtree(workspace / "mutants", ignore_errors=True)
    for copied in COPIED:
        replace(ROOT / copied, workspace / copied)
    replace(ROOT / "layers" / "broker" / "broker", workspace / "src" / "broker")
    path, *patterns = MODULES[name]
    unit = ROOT / "tests" / "unit"
    tests = [str(test.relative_to(ROOT)) for each in patterns for test in unit.glob(f"{each}.py")]
    text = CONFIGURATION.format(path=path, copied=list(COPIED), tests=sorted(tests))
    (workspace / "pyproject.toml").write_text(text)
    return workspace


def replace(source: Path, target: Path) -> None:
    """Copy a file or a tree, without byte code; nothing of an older copy stays."""
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


def lines(workspace: Path, *words: str) -> list[str]:
    """What a mutmut command prints."""
    return mutmut(workspace, *words).stdout.splitlines()


def result(line: str) -> tuple[str, str]:
    """Of "    broker.domain.grants.x_parse__mutmut_3: survived"."""
    mutant, _, status = line.strip().rpartition(": ")
    return mutant, status


def mutmut(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run mutmut, which has an environment of its own, over the development environment."""
    path = os.pathsep.join([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    return subprocess.run(
        [str(PYTHON), "-m", "mutmut", *words],
        cwd=workspace,
        env={**os.environ, "PYTHONPATH": path, "HYPOTHESIS_PROFILE": "short"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
