"""A customer-managed key in memory: real AES wrapping, bound to the context as KMS binds it."""

from __future__ import annotations

import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.sealing.envelope import Context, SealBroken


class Keys:
    """`sealing.Keys`. Two instances are two keys: neither opens what the other wrapped."""

    def __init__(self) -> None:
        self._master = AESGCM(AESGCM.generate_key(256))
        self.generated: list[Context] = []
        self.decrypted: list[Context] = []

    def generate(self, context: Context) -> tuple[bytes, bytes]:
        self.generated.append(dict(context))
        plain, nonce = AESGCM.generate_key(256), os.urandom(12)
        return plain, nonce + self._master.encrypt(nonce, plain, _bound(context))

    def decrypt(self, blob: bytes, context: Context) -> bytes:
        self.decrypted.append(dict(context))
        try:
            return self._master.decrypt(blob[:12], blob[12:], _bound(context))
        except (InvalidTag, ValueError) as error:
            raise SealBroken("wrong encryption context or damaged") from error


def _bound(context: Context) -> bytes:
    if not all(context.values()):
        raise ValueError("KMS refuses empty values in an encryption context")
    return json.dumps(context, sort_keys=True).encode()
