"""`sealing.Keys` over KMS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from broker.adapters.kms import Keys
from broker.ports.errors import Unavailable
from broker.sealing.envelope import SealBroken, encryption_context
from tests.unit.clients import Stub, stubbed

KEY = "arn:aws:kms:us-east-1:111122223333:key/k"
CONTEXT = encryption_context("stack", "inc", "refresh_token", 1, 1)
CANARY = "canary-90d2"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with stubbed("kms") as made:
        yield made


def test_generate(stub: Stub) -> None:
    stub.add_response(
        "generate_data_key",
        {"Plaintext": b"p" * 32, "CiphertextBlob": b"c", "KeyId": KEY},
        {"KeyId": KEY, "KeySpec": "AES_256", "EncryptionContext": CONTEXT},
    )
    assert Keys(stub.client, KEY).generate(CONTEXT) == (b"p" * 32, b"c")


def test_decrypt_names_key_and_context(stub: Stub) -> None:
    stub.add_response(
        "decrypt",
        {"Plaintext": b"p" * 32, "KeyId": KEY},
        {"KeyId": KEY, "CiphertextBlob": b"c", "EncryptionContext": CONTEXT},
    )
    assert Keys(stub.client, KEY).decrypt(b"c", CONTEXT) == b"p" * 32


@pytest.mark.parametrize("code", ["InvalidCiphertextException", "IncorrectKeyException"])
def test_what_does_not_belong_together(stub: Stub, code: str) -> None:
    stub.add_client_error("decrypt", code, CANARY)
    with pytest.raises(SealBroken) as caught:
        Keys(stub.client, KEY).decrypt(b"c", CONTEXT)
    assert CANARY not in str(caught.value)


def test_nothing_to_decrypt(stub: Stub) -> None:
    with pytest.raises(SealBroken):
        Keys(stub.client, KEY).decrypt(b"", CONTEXT)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "DisabledException", "ThrottlingException"]
)
def test_trouble_is_not_a_broken_seal(stub: Stub, code: str) -> None:
    stub.add_client_error("decrypt", code, CANARY)
    stub.add_client_error("generate_data_key", code, CANARY)
    with pytest.raises(Unavailable, match=f"^kms: {code}$"):
        Keys(stub.client, KEY).decrypt(b"c", CONTEXT)
    with pytest.raises(Unavailable, match=f"^kms: {code}$"):
        Keys(stub.client, KEY).generate(CONTEXT)
