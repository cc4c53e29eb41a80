"""The template as written, and as SAM makes it for CloudFormation."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

from local import package
from local.template import load

Resources = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def template() -> dict[str, Any]:
    """template.yaml, intrinsic functions in their long form."""
    return load()


@pytest.fixture(scope="session")
def resources(template: dict[str, Any]) -> Resources:
    """Logical id → resource, as written."""
    found: Resources = template["Resources"]
    return found


@pytest.fixture(scope="session")
def deployed(template: dict[str, Any]) -> Resources:
    """Logical id → resource, after SAM's transform: what CloudFormation gets."""
    return transform(template, {})


def transform(
    template: dict[str, Any], parameters: Mapping[str, str], **locations: str
) -> Resources:
    """The resources after SAM's transform. `locations`: logical id → where its archive lies, for
    those that lie elsewhere than usual."""
    usual = {logical: f"s3://bucket/{logical}" for logical in package.sources(template)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        packaged = package.rewrite(copy.deepcopy(template), usual | locations)
        translated = Translator({}, Parser()).translate(packaged, dict(parameters))
    found: Resources = translated["Resources"]
    return found
