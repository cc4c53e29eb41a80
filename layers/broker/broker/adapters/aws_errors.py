"""botocore's errors as ours.

Their messages and their request data can hold what was sent, so nothing of them survives but a
code: the raised error has neither cause nor context.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from broker.ports.errors import Unavailable

T = TypeVar("T")

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,99}")


class Refused(Exception):  # noqa: N818 (it says what happened)
    """A refusal the caller of `call` expects. `codes`: the error's code and, for a cancelled
    transaction, those of its parts; all without the suffix "Exception"."""

    def __init__(self, codes: frozenset[str]) -> None:
        self.codes = codes
        super().__init__(", ".join(sorted(codes)))


def call(
    service: str, operation: Callable[..., T], expected: Collection[str] = (), /, **arguments: Any
) -> T:
    """The operation's answer; `Refused` if the error's code is one of `expected`; else
    `Unavailable`."""
    try:
        return operation(**arguments)
    except ClientError as error:
        code = _code(error.response.get("Error", {}).get("Code"))
        parts = error.response.get("CancellationReasons", ())
        codes = frozenset(
            _code(found).removesuffix("Exception")
            for found in (code, *(part.get("Code") for part in parts))
            if found != "None"  # a part of the transaction that was in order
        )
    except BotoCoreError as error:
        code, codes = type(error).__name__, frozenset()
    # Raised here, not in the handlers: an error raised there would carry botocore's as its context.
    if codes.isdisjoint(expected):
        raise Unavailable(service, code)
    raise Refused(codes)


def _code(text: object) -> str:
    """The code if it looks like one: proxies answer with anything."""
    return text if isinstance(text, str) and _CODE.fullmatch(text) else "Unknown"
