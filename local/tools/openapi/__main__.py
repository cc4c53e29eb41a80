"""``python -m local.tools.openapi [--check]``: write docs/openapi.json anew, or compare it."""

from __future__ import annotations

import argparse
import json
import sys

from local.template import ROOT
from local.tools.openapi.document import document

PATH = ROOT / "docs" / "openapi.json"


def text() -> str:
    """The document as it stands in the repository."""
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def main() -> int:
    """Exit status 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m local.tools.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing")
    if not parser.parse_args().check:
        PATH.write_text(text(), encoding="utf-8")
        return 0
    if PATH.exists() and PATH.read_text(encoding="utf-8") == text():
        return 0
    print(f"{PATH.name} is out of step: run make docs", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
