"""What is built holds only what it needs, and runs with nothing else beside it."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import package, servers
from local.template import ROOT
from tests.template.conftest import Resources
from tests.template.test_locks import requirements
from tests.template.test_settings import KINDS, filled

LAYERS = ("DependenciesLayer", "BrokerLayer")

IMPORT = """
import json, sys
sys.path[:0] = json.loads(sys.argv[1])
import handler
assert callable(handler.handler)
outside = {name.partition(".")[0] for name, module in sys.modules.items()
           if (getattr(module, "__file__", None) or "").find("site-packages") >= 0}
assert not outside, outside
"""


@pytest.fixture(scope="session")
def archives(template: dict[str, Any]) -> dict[str, Path]:
    """Logical id → archive, as the local stack deploys them."""
    return package.build(template, servers.emulator_python())


@pytest.fixture(scope="session")
def unpacked(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one directory an artifact."""
    root = tmp_path_factory.mktemp("artifacts")
    for logical, archive in archives.items():
        with zipfile.ZipFile(archive) as bundle:
            bundle.extractall(root / logical)
    return root


def files(directory: Path) -> set[str]:
    """Relative paths of all files."""
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_everything_of_the_template_is_built(
    resources: Resources, archives: dict[str, Path]
) -> None:
    kinds = ("AWS::Serverless::Function", "AWS::Serverless::LayerVersion")
    assert set(archives) == {name for name, one in resources.items() if one["Type"] in kinds}


def test_a_function_is_its_handler(unpacked: Path) -> None:
    for step in KINDS:
        assert files(unpacked / f"{step}Function") == {"handler.py"}


def test_the_broker_layer_is_the_package(unpacked: Path) -> None:
    source = ROOT / "layers" / "broker" / "broker"
    wanted = {f"python/broker/{name}" for name in files(source) if "__pycache__" not in name}
    built = files(unpacked / "BrokerLayer")
    compiled = {name for name in built if "__pycache__" in name}
    assert built - compiled == wanted
    assert len(compiled) == sum(name.endswith(".py") for name in wanted)


def test_the_dependencies_layer_is_the_lock_file(unpacked: Path) -> None:
    site = unpacked / "DependenciesLayer" / "python"
    installed = {re.sub("[_.]", "-", path.name.split("-")[0]) for path in site.glob("*.dist-info")}
    lock = requirements(ROOT / "layers" / "dependencies" / "requirements.txt")
    assert installed == {re.sub("[_.]", "-", pin.partition("==")[0]) for pin, *_ in lock}
    services = {path.name for path in (site / "botocore" / "data").iterdir() if path.is_dir()}
    assert services == {
        *("dynamodb", "events", "kms", "lambda", "secretsmanager", "sesv2", "sqs", "ssm", "sts"),
        "xray",
    }
    assert not (site / "bin").exists()


def test_layers_hold_byte_code_that_is_never_checked(unpacked: Path) -> None:
    """PEP 552: flags 0b01 mean hash-based and unchecked."""
    for layer in LAYERS:
        compiled = list((unpacked / layer).rglob("*.pyc"))
        assert compiled
        assert all(path.read_bytes()[4:8] == b"\x01\0\0\0" for path in compiled)


@pytest.mark.parametrize("step", KINDS)
def test_handler_imports_from_artifacts_alone(
    template: dict[str, Any], deployed: Resources, unpacked: Path, step: str
) -> None:
    variables = filled(template, deployed, step)
    paths = [unpacked / f"{step}Function", *(unpacked / layer / "python" for layer in LAYERS)]
    command = [str(servers.emulator_python()), "-I", "-S", "-W", "error", "-c", IMPORT]
    ran = subprocess.run(
        [*command, json.dumps([str(path) for path in paths])],
        check=False,
        capture_output=True,
        text=True,
        env=variables | {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"},
    )
    assert ran.returncode == 0, ran.stderr


def test_build_is_for_the_templates_runtime(template: dict[str, Any]) -> None:
    text = (ROOT / "layers" / "build.py").read_text()
    common = template["Globals"]["Function"]
    version = common["Runtime"].removeprefix("python").replace(".", ", ")
    assert f"RUNTIME = ({version})" in text
    assert common["Architectures"] == ["arm64"]
    assert 'MACHINE = "aarch64"' in text
    for layer in LAYERS:
        properties = template["Resources"][layer]["Properties"]
        assert properties["CompatibleRuntimes"] == [common["Runtime"]]
        assert properties["CompatibleArchitectures"] == common["Architectures"]
