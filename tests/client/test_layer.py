"""The Lambda layer: the package, requests, nothing compiled, and nothing else needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import botocore
import pytest

from local import package
from local.template import ROOT

IMPORT = """
import sys
sys.path[:0] = sys.argv[1:]
import token_broker, requests, urllib3
from token_broker.requests import BearerAuth
token_broker.AsyncTokenBroker("https://abc.execute-api.eu-west-1.amazonaws.com/v1")
print(token_broker.__file__, requests.__file__, urllib3.__file__)
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies in /opt/python."""
    into = tmp_path_factory.mktemp("layer")
    package.make(ROOT / "layers", "ClientLayer", into, Path(sys.executable), host=True)
    return into / "python"


def test_pure_python(site: Path) -> None:
    assert not list(site.rglob("*.so"))
    assert (site / "token_broker" / "py.typed").exists()
    assert not (site / "token_broker" / "operator").exists()
    assert not (site / "token_broker" / "agent").exists()
    assert not (site / "bin").exists()
    assert list(site.rglob("*.pyc"))


def test_works_with_the_runtimes_botocore_alone(site: Path, tmp_path: Path) -> None:
    """As in Lambda: the layer, and boto3's packages behind it."""
    installed = Path(botocore.__file__).parent.parent
    for name in ("botocore", "jmespath", "dateutil", "six.py"):
        (tmp_path / name).symlink_to(installed / name)
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", IMPORT, str(site), str(tmp_path)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert all(file.startswith(str(site)) for file in ran.stdout.split())
