"""Answers in their shapes: the type hints of `shapes` say what an answer holds, and are held to.

An older broker's answer lacks fields, a newer one's has more. What is absent becomes None, False or
empty where its type allows; a text or a number has to be there. Unknown fields stay. Whatever else
comes is no answer of the broker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from token_broker._json import decode
from token_broker.errors import TokenBrokerError

T = TypeVar("T")

EMPTY: dict[Any, Callable[[], Any]] = {list: list, dict: dict, bool: bool}
"""What stands for an absent field of each type."""


def read(shape: type[T], raw: bytes, status: int, connection: str | None) -> T:
    """The answer; TokenBrokerError (`unexpected_answer`) for any other."""
    try:
        return cast(T, _held(shape, decode(raw)))
    except (ValueError, TypeError) as error:
        # These messages are ours: they name fields and hold no values.
        raise TokenBrokerError(
            "unexpected_answer", str(error), connection=connection, status=status
        ) from None


def _held(shape: Any, value: Any, name: str = "the answer") -> Any:
    """The value, if it is of its shape. Raises ValueError."""
    origin = get_origin(shape)
    if shape is Any:
        return value
    if origin in (Union, UnionType):
        return _either(get_args(shape), value, name)
    if is_typeddict(shape):
        return _members(shape, _plainly(dict, value, name))
    if origin is list:
        (inner,) = get_args(shape)
        return [_held(inner, part, name) for part in _plainly(list, value, name)]
    if origin is dict:
        inner = get_args(shape)[1]
        return {key: _held(inner, part, name) for key, part in _plainly(dict, value, name).items()}
    # A status or provider of tomorrow is a text as well.
    return _plainly(str if origin is Literal else shape, value, name)


def _either(shapes: tuple[Any, ...], value: Any, name: str) -> Any:
    for shape in shapes:
        try:
            return _held(shape, value, name)
        except ValueError:
            continue
    raise ValueError(f"{name} is of another type.")


def _members(shape: Any, given: dict[str, Any]) -> dict[str, Any]:
    found = dict(given)
    for name, hint in _hints(shape).items():
        optional = get_origin(hint) is NotRequired
        inner = get_args(hint)[0] if optional else hint
        if name in given:
            found[name] = _held(inner, given[name], name)
        elif not optional and shape.__total__:
            found[name] = _absent(inner, name)
    return found


def _absent(shape: Any, name: str) -> Any:
    if shape is Any or NoneType in get_args(shape):
        return None
    if get_origin(shape) in (Union, UnionType):
        return _absent(get_args(shape)[0], name)
    kind = get_origin(shape) or shape
    if kind not in EMPTY:
        raise ValueError(f"{name} is missing.")
    return EMPTY[kind]()


def _plainly(kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{name} is of another type.")
    return value


@cache
def _hints(shape: Any) -> dict[str, Any]:
    return get_type_hints(shape, include_extras=True)
