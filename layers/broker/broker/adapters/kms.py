"""Data keys of one customer-managed key.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from broker.adapters.aws_errors import Refused, call
from broker.sealing.envelope import Context, SealBroken

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

# The blob does not belong to this context, or to this key.
_MISFIT = ("InvalidCiphertext", "IncorrectKey")


class Keys:
    """`sealing.Keys`. `key`: the key's ARN, given on every call."""

    def __init__(self, client: KMSClient, key: str) -> None:
        self._client, self._key = client, key

    def generate(self, context: Context) -> tuple[bytes, bytes]:
        answer = call(
            "kms",
            self._client.generate_data_key,
            KeyId=self._key,
            KeySpec="AES_256",
            EncryptionContext=context,
        )
        return answer["Plaintext"], answer["CiphertextBlob"]

    def decrypt(self, blob: bytes, context: Context) -> bytes:
        if not blob:
            raise SealBroken("no data key")
        try:
            answer = call(
                "kms",
                self._client.decrypt,
                _MISFIT,
                CiphertextBlob=blob,
                # Without it KMS takes the key that the blob names: the writer's choice.
                KeyId=self._key,
                EncryptionContext=context,
            )
        except Refused as refused:
            raise SealBroken(f"KMS: {refused}") from None
        return answer["Plaintext"]
