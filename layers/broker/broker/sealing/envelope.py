"""Envelope encryption: what lies in the tables can be read by no one who holds only the tables.

A fresh data key for each write, AES-256-GCM. The encryption context is given to KMS *and* is the
authenticated data of the cipher, so a sealed value opens only in the encryption context it was
sealed for: same stack, incarnation, purpose, resource, epoch and generation.

Layout: version (1 byte) | length of the encrypted data key (2, big endian) | encrypted data key |
nonce (12) | ciphertext and tag.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.domain.secret import Secret

VERSION = 1
NONCE_BYTES = 12
"""NIST SP 800-38D: 96 bits."""

Context = dict[str, str]
Purpose = Literal[
    "refresh_token",
    "access_token",
    "import",
    "parameters.developer_token",
    "parameters.customer_id",
    "parameters.account_id",
]

PARAMETERS: Mapping[str, Purpose] = {
    "developer_token": "parameters.developer_token",
    "customer_id": "parameters.customer_id",
    "account_id": "parameters.account_id",
}
"""A connection's parameters, each sealed for a purpose of its own."""


class SealBroken(Exception):  # noqa: N818 (it says what happened)
    """The bytes are damaged, or were sealed for another encryption context."""


class Keys(Protocol):
    """One customer-managed key. Both calls raise `ports.Unavailable` when KMS does not answer."""

    def generate(self, context: Context) -> tuple[bytes, bytes]:
        """A new 256-bit data key: plain, and encrypted under the key and the context."""
        ...

    def decrypt(self, blob: bytes, context: Context) -> bytes:
        """The plain data key; `SealBroken` if blob, context and key do not belong together."""
        ...


def encryption_context(
    stack: str,
    incarnation: str,
    purpose: Purpose,
    generation: int,
    epoch: int,
    resource: str = "-",
) -> Context:
    """The encryption context a value is sealed for. KMS wants strings and refuses empty ones.

    `resource`: whose access token it is; '-' for what belongs to no resource.
    """
    return {
        "stack": stack,
        "incarnation": incarnation,
        "purpose": purpose,
        "generation": str(generation),
        "epoch": str(epoch),
        "resource": resource,
    }


def seal(keys: Keys, where: Context, value: Secret) -> bytes:
    """The sealed bytes for this encryption context."""
    plain, encrypted = keys.generate(where)
    nonce = os.urandom(NONCE_BYTES)
    body = AESGCM(plain).encrypt(nonce, value.open().encode(), authenticated(where))
    return bytes([VERSION]) + len(encrypted).to_bytes(2, "big") + encrypted + nonce + body


def unseal(keys: Keys, where: Context, sealed: bytes) -> Secret:
    """The value, if it was sealed for exactly this encryption context; else `SealBroken`."""
    if len(sealed) < 3 or sealed[0] != VERSION:
        raise SealBroken("unknown layout")
    end = 3 + int.from_bytes(sealed[1:3], "big")
    encrypted, nonce, body = (
        sealed[3:end],
        sealed[end : end + NONCE_BYTES],
        sealed[end + NONCE_BYTES :],
    )
    if len(nonce) != NONCE_BYTES:
        raise SealBroken("truncated")
    plain = keys.decrypt(encrypted, where)
    try:
        return Secret(AESGCM(plain).decrypt(nonce, body, authenticated(where)).decode())
    except (InvalidTag, ValueError) as error:
        # ValueError: a key of the wrong size, as some emulators give for a wrong key id.
        raise SealBroken("wrong encryption context or damaged") from error


def authenticated(where: Context) -> bytes:
    """The encryption context as bytes, the same for the same context."""
    return json.dumps(where, sort_keys=True, separators=(",", ":")).encode()
