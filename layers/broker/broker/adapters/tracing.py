"""Traces of what takes time: the calls to Microsoft, as X-Ray subsegments.

A subsegment holds the host's role, the status or the reason, and the time: no URL, no header, no
body. Nothing is patched, for the SDK's patches record what they see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aws_lambda_powertools import Tracer

from broker.domain.secret import Secret
from broker.ports.errors import Unreachable
from broker.ports.outside import Http, Reply


class Traced:
    """`ports.Http`, traced under `name`."""

    def __init__(self, inner: Http, name: str) -> None:
        self._inner, self._name = inner, name
        self._tracer = Tracer(auto_patch=False)

    def get(self, url: str, timeout: float) -> Reply:
        return self._span(lambda: self._inner.get(url, timeout))

    def post(self, url: str, form: Mapping[str, str | Secret], timeout: float) -> Reply:
        return self._span(lambda: self._inner.post(url, form, timeout))

    def _span(self, call: Callable[[], Reply]) -> Reply:
        """The call in a subsegment. Its exception is kept out: X-Ray would take the stack along."""
        lost: Unreachable | None = None
        with self._tracer.provider.in_subsegment(self._name) as span:
            try:
                reply = call()
                span.put_annotation("status", str(reply.status))
            except Unreachable as error:
                lost = error
                span.put_annotation("status", error.reason)
        if lost:
            raise lost
        return reply
