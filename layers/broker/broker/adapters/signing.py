"""The client's private key in KMS: it signs there, and never leaves.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.aws_errors import Refused, call
from broker.ports.credentials import Unusable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_FINDINGS = {
    "Disabled": "key_disabled",
    "KMSInvalidState": "key_pending_deletion",
    "NotFound": "key_missing",
    "InvalidKeyUsage": "key_unfit",
    "AccessDenied": "sign_denied",
}


class Signer:
    """`ports.Signer`. `key`: the key's ARN."""

    def __init__(self, client: KMSClient, key: str) -> None:
        self._client, self._key = client, key

    def sign(self, message: bytes) -> bytes:
        try:
            answer = call(
                "kms",
                self._client.sign,
                _FINDINGS,
                KeyId=self._key,
                Message=message,
                MessageType="RAW",
                SigningAlgorithm="RSASSA_PSS_SHA_256",
            )
        except Refused as refused:
            finding = next(_FINDINGS[code] for code in refused.codes if code in _FINDINGS)
        else:
            return answer["Signature"]
        # Not in the handler: the error would carry botocore's along.
        raise Unusable(finding)
