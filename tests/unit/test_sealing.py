"""A sealed value opens in its own encryption context only."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.secret import Secret
from broker.sealing.envelope import SealBroken, encryption_context, seal, unseal
from local.memory.keys import Keys

KEYS = Keys()
SLOT: dict[str, Any] = {
    "stack": "stack",
    "incarnation": "one",
    "purpose": "refresh_token",
    "generation": 1,
    "epoch": 3,
    "resource": "https://ads.microsoft.com",
}


class Recording(Keys):
    """A key that tells the contexts it saw, and may answer what emulators answer."""

    answer: bytes | None = None

    def decrypt(self, blob: bytes, context: dict[str, str]) -> bytes:
        return super().decrypt(blob, context) if self.answer is None else self.answer


@given(st.text())
def test_what_was_sealed_opens(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    where = encryption_context(**SLOT)
    assert unseal(KEYS, where, seal(KEYS, where, Secret(text))).open() == text


@pytest.mark.parametrize(
    "other",
    [
        {"stack": "other"},
        {"incarnation": "two"},
        {"purpose": "access_token"},
        {"generation": 2},
        {"epoch": 4},
        {"resource": "https://graph.microsoft.com"},
    ],
)
def test_no_ciphertext_can_be_moved(other: dict[str, Any]) -> None:
    sealed = seal(KEYS, encryption_context(**SLOT), Secret("canary"))
    with pytest.raises(SealBroken):
        unseal(KEYS, encryption_context(**(SLOT | other)), sealed)


def test_the_cipher_is_bound_to_the_slot_too() -> None:
    """Even where the key service ignores the context."""
    sealed = seal(KEYS, encryption_context(**SLOT), Secret("canary"))
    careless = Recording()
    length = int.from_bytes(sealed[1:3], "big")
    careless.answer = KEYS.decrypt(sealed[3 : 3 + length], encryption_context(**SLOT))
    assert unseal(careless, encryption_context(**SLOT), sealed).open() == "canary"
    with pytest.raises(SealBroken):
        unseal(careless, encryption_context(**(SLOT | {"generation": 2})), sealed)


def test_another_key_does_not_open_it() -> None:
    sealed = seal(KEYS, encryption_context(**SLOT), Secret("canary"))
    with pytest.raises(SealBroken):
        unseal(Keys(), encryption_context(**SLOT), sealed)


@pytest.mark.parametrize("garbage", [b"", b"x", b"x" * 32, b"x" * 31])
def test_a_key_service_that_answers_garbage(garbage: bytes) -> None:
    careless = Recording()
    careless.answer = garbage
    with pytest.raises(SealBroken):
        unseal(
            careless,
            encryption_context(**SLOT),
            seal(KEYS, encryption_context(**SLOT), Secret("canary")),
        )


@given(st.data())
def test_every_damaged_byte_is_noticed(data: st.DataObject) -> None:
    where = encryption_context(**SLOT)
    sealed = bytearray(seal(KEYS, where, Secret("canary")))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SealBroken):
        unseal(KEYS, where, bytes(sealed))


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(KEYS, encryption_context(**SLOT), sealed)


def test_what_is_stored_is_as_it_is_written_down() -> None:
    """Values outlive the code: layout, names and order of the authenticated context stay."""
    sealed = seal(KEYS, encryption_context(**SLOT), Secret("canary"))
    assert sealed[0] == 1
    end = 3 + (sealed[1] << 8) + sealed[2]
    key = KEYS.decrypt(sealed[3:end], encryption_context(**SLOT))
    context = (
        '{"epoch":"3","generation":"1","incarnation":"one","purpose":"refresh_token",'
        '"resource":"https://ads.microsoft.com","stack":"stack"}'
    )
    nonce, body = sealed[end : end + 12], sealed[end + 12 :]
    assert AESGCM(key).decrypt(nonce, body, context.encode()) == b"canary"


def test_a_value_of_no_resource() -> None:
    assert encryption_context("stack", "one", "import", 0, 0)["resource"] == "-"


@pytest.mark.parametrize(
    ("sealed", "reason"),
    [
        (b"", "unknown layout"),
        (b"\x01\x00", "unknown layout"),
        (b"\x02\x00\x00", "unknown layout"),
        (b"\x01\x00\x00", "truncated"),
        (b"\x01\x00\x01k" + b"n" * 11, "truncated"),
        (b"\x01\x00\x01k" + b"n" * 12, "wrong encryption context or damaged"),
    ],
)
def test_why_bytes_are_refused(sealed: bytes, reason: str) -> None:
    careless = Recording()
    careless.answer = b"k" * 32
    with pytest.raises(SealBroken, match=f"^{reason}$"):
        unseal(careless, encryption_context(**SLOT), sealed)


def test_a_truncated_value_is_refused() -> None:
    sealed = seal(KEYS, encryption_context(**SLOT), Secret("canary"))
    for end in range(len(sealed)):
        with pytest.raises(SealBroken):
            unseal(KEYS, encryption_context(**SLOT), sealed[:end])


def test_a_fresh_key_for_each_write() -> None:
    keys, where = Keys(), encryption_context(**SLOT)
    first, second = (seal(keys, where, Secret("canary")) for _ in range(2))
    assert first != second
    assert keys.generated == [where, where]


def test_the_context_has_strings_only_and_none_is_empty() -> None:
    """KMS refuses empty values."""
    where = encryption_context("stack", "one", "import", 0, 0)
    assert all(isinstance(value, str) and value for value in where.values())


def test_errors_hold_nothing_of_the_value() -> None:
    sealed = bytearray(seal(KEYS, encryption_context(**SLOT), Secret("canary")))
    sealed[-1] ^= 1
    with pytest.raises(SealBroken) as caught:
        unseal(KEYS, encryption_context(**SLOT), bytes(sealed))
    assert "canary" not in repr(caught.value)
