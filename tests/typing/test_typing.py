"""The client's types, as the two strictest checkers see them from a user's script.

mypy checks this directory with everything else; pyright reads protocols by the names of their
parameters as well, which is how azure-core's are written.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from local.tools.node import NODE, installed

HERE = Path(__file__).parent


def test_pyright_strict_is_content_with_every_adapter() -> None:
    program = installed(HERE) / "pyright" / "index.js"
    config, python = str(HERE / "pyrightconfig.json"), sys.executable
    command = [str(NODE), str(program), "-p", config, "--pythonpath", python, "--outputjson"]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    told = json.loads(ran.stdout)
    assert told["generalDiagnostics"] == []
    assert told["summary"]["filesAnalyzed"] == 1
