"""A function's handler over a step of our own."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType
from typing import Any

import pytest

from broker import settings, wiring
from local.template import ROOT


def load(monkeypatch: pytest.MonkeyPatch, function: str, step: object, own: Any = None) -> Any:
    """The handler's module; its settings are `own`."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Test")
    monkeypatch.setattr(settings, "parse", lambda kind, environment: own)
    monkeypatch.setattr(wiring, f"{function}_step", lambda *_: step)
    place = ROOT / "functions" / function / "handler.py"
    spec = importlib.util.spec_from_file_location(f"{function}_handler", place)
    assert spec
    assert spec.loader
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def event(name: str, **changes: Any) -> dict[str, Any]:
    """One of the sample events of API Gateway."""
    sample: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return sample | changes
