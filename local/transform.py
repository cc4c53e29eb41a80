"""SAM's transform of the template: what CloudFormation gets.

python -m local.transform FILE writes it, for programs that read templates without SAM.
"""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from local import package
from local.template import REGION, load

Resources = dict[str, dict[str, Any]]
"""Logical id → resource."""


def transform(
    template: Mapping[str, Any], parameters: Mapping[str, str], **locations: str
) -> Resources:
    """The resources after the transform. `locations`: logical id → where its archive lies, for
    those that lie elsewhere than usual."""
    resources: Resources = document(template, parameters, **locations)["Resources"]
    return resources


def document(
    template: Mapping[str, Any], parameters: Mapping[str, str], **locations: str
) -> dict[str, Any]:
    """The whole template after the transform. Sets the default region for a moment: SAM asks
    boto3."""
    usual = {logical: f"s3://bucket/{logical}" for logical in package.sources(template)}
    packaged = package.rewrite(copy.deepcopy(dict(template)), usual | locations)
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = REGION
    try:
        translated: dict[str, Any] = Translator({}, Parser()).translate(packaged, dict(parameters))
    finally:
        os.environ.pop("AWS_DEFAULT_REGION")
        if before is not None:
            os.environ["AWS_DEFAULT_REGION"] = before
    return translated


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(load(), {}), indent=1))
