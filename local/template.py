"""Reads template.yaml; resolves parameters and conditions as far as the local stack needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "template.yaml"

ACCOUNT = "000000000000"
"""The emulator's account."""

REGION = "us-east-1"
"""The emulator's region."""

NOTHING = object()
"""What AWS::NoValue resolves to: the element or property is left out."""


def load(path: Path = TEMPLATE) -> dict[str, Any]:
    """The template with intrinsic functions in their long form (`{"Ref": ...}`)."""
    template: dict[str, Any] = yaml_parse(path.read_text())
    return template


class Resolver:
    """Evaluates Ref of parameters, Fn::If, Fn::Join, Fn::Sub and one template's conditions.

    `parameters` override the defaults. Whatever else there is (Fn::GetAtt, Ref of a resource, and
    both within Fn::Sub) stays as it is.
    """

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._conditions = template["Conditions"]
        self._values: dict[str, Any] = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": REGION,
            "AWS::Partition": "aws",
            "AWS::NoValue": NOTHING,
        }
        for name, parameter in template["Parameters"].items():
            value = str(parameters.get(name, parameter.get("Default", "")))
            is_list = parameter["Type"] == "CommaDelimitedList"
            self._values[name] = value.split(",") if is_list else value

    def holds(self, name: str) -> bool:
        """Whether a condition is true."""
        return bool(self.resolve(self._conditions[name]))

    def resolve(self, node: Any) -> Any:
        """The node with everything resolved that can be."""
        if isinstance(node, list):
            items = [self.resolve(item) for item in node]
            return [item for item in items if item is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), *_ = node.items()
            return self._intrinsic(name, argument, node)
        pairs = {key: self.resolve(value) for key, value in node.items()}
        return {key: value for key, value in pairs.items() if value is not NOTHING}

    def _intrinsic(self, name: str, argument: Any, node: dict[str, Any]) -> Any:
        match name:
            case "Ref":
                return self._values.get(argument, node)
            case "Fn::If":
                condition, yes, no = argument
                return self.resolve(yes if self.holds(condition) else no)
            case "Fn::Sub" if isinstance(argument, str):
                return self._substitute(argument)
            case "Fn::Equals" | "Fn::Not" | "Fn::Join" | "Fn::Or":
                return self._computed(name, self.resolve(argument))
            case _:
                value = self.resolve(argument)
                return NOTHING if value is NOTHING else {name: value}

    def _computed(self, name: str, argument: list[Any]) -> Any:
        match name:
            case "Fn::Equals":
                left, right = argument
                return str(left) == str(right)
            case "Fn::Not":
                return not argument[0]
            case "Fn::Or":
                return any(argument)
            case _:
                separator, parts = argument
                return separator.join(parts)

    def _substitute(self, text: str) -> str | dict[str, str]:
        """The text, all its names known; else Fn::Sub with what is left."""

        def known(name: re.Match[str]) -> str:
            value = self._values.get(name[1])
            return value if isinstance(value, str) else name[0]

        filled = re.sub(r"\$\{([A-Za-z0-9:]+)\}", known, text)
        return {"Fn::Sub": filled} if "${" in filled else filled
