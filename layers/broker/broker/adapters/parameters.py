"""The client's public certificate, a parameter in Systems Manager, which keeps earlier versions:
the one before the latest is the certificate before a renewal.

https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.aws_errors import Refused, call
from broker.ports.ambient import Clock
from broker.ports.credentials import Unusable, UnverifiedPem

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterTypeDef

CACHE_SECONDS = 300
"""A new certificate is used everywhere within 5 minutes; a refused one is read afresh at once."""

_FINDINGS = {"ParameterNotFound": "certificate_missing", "AccessDenied": "certificate_unreadable"}


class Certificates:
    """`ports.Certificates`. `parameter`: its name."""

    def __init__(self, client: SSMClient, parameter: str, clock: Clock) -> None:
        self._client, self._parameter, self._clock = client, parameter, clock
        self._known: tuple[float, UnverifiedPem] | None = None
        self._version = 0

    def current(self, *, fresh: bool = False) -> UnverifiedPem:
        now = self._clock()
        if self._known and not fresh and now - self._known[0] < CACHE_SECONDS:
            return self._known[1]
        try:
            latest = self._read(self._parameter)
        except Refused as refused:
            finding = next(_FINDINGS[code] for code in refused.codes if code in _FINDINGS)
        else:
            self._version = latest["Version"]
            stored = UnverifiedPem(latest["Value"])
            self._known = (now, stored)
            return stored
        raise Unusable(finding)

    def previous(self) -> UnverifiedPem | None:
        if self._version < 2:
            return None
        try:
            return UnverifiedPem(self._read(f"{self._parameter}:{self._version - 1}")["Value"])
        except Refused:
            return None

    def _read(self, name: str) -> ParameterTypeDef:
        expected = (*_FINDINGS, "ParameterVersionNotFound")
        return call("ssm", self._client.get_parameter, expected, Name=name)["Parameter"]
