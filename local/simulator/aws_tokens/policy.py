"""IAM policy evaluation of actions without a resource: as much of it as token requests need.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

Values = Sequence[str]
Context = Mapping[str, Values]
"""Condition key → its values in this request; an absent key is not there."""


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda given, wanted: compare(float(given), float(wanted))


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda given, wanted: given == wanted,
    "StringNotEquals": lambda given, wanted: given != wanted,
    "StringEqualsIgnoreCase": lambda given, wanted: given.lower() == wanted.lower(),
    "StringLike": fnmatchcase,
    "NumericEquals": _number(lambda given, wanted: given == wanted),
    "NumericLessThan": _number(lambda given, wanted: given < wanted),
    "NumericLessThanEquals": _number(lambda given, wanted: given <= wanted),
    "NumericGreaterThan": _number(lambda given, wanted: given > wanted),
    "NumericGreaterThanEquals": _number(lambda given, wanted: given >= wanted),
}


def allows(statements: Iterable[Mapping[str, Any]], action: str, context: Context) -> bool:
    """Some statement allows, and none denies. Raises ValueError on an operator unknown here."""
    effects = {
        statement["Effect"]
        for statement in statements
        if _names(statement, action) and _applies(statement.get("Condition", {}), context)
    }
    return effects == {"Allow"}


def _names(statement: Mapping[str, Any], action: str) -> bool:
    resources = _list(statement.get("Resource", "*"))
    if "NotAction" in statement or "*" not in resources:
        return False
    patterns = [str(pattern).lower() for pattern in _list(statement.get("Action", []))]
    return any(fnmatchcase(action.lower(), pattern) for pattern in patterns)


def _applies(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    keys = {key.lower(): values for key, values in context.items()}
    return all(
        _holds(operator, [str(value) for value in _list(wanted)], keys.get(key.lower()))
        for operator, tests in conditions.items()
        for key, wanted in tests.items()
    )


def _holds(operator: str, wanted: Values, given: Values | None) -> bool:
    qualifier, _, name = operator.rpartition(":")
    if name == "Null":
        return (given is None) == (wanted[0].lower() == "true")
    if name.endswith("IfExists"):
        if given is None:
            return True
        name = name.removesuffix("IfExists")
    compare = _OPERATORS.get(name)
    if compare is None:
        raise ValueError(f"condition operator {operator} is not known here")
    if given is None:
        return qualifier == "ForAllValues" or "Not" in name
    quantifier = all if "Not" in name else any
    matches = [quantifier(compare(value, expected) for expected in wanted) for value in given]
    return any(matches) if qualifier == "ForAnyValue" else all(matches)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
