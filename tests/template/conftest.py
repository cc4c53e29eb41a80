"""The template as written, and as SAM makes it for CloudFormation."""

from __future__ import annotations

from typing import Any

import pytest

from local.template import load
from local.transform import Resources, transform

__all__ = ["Resources"]


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
