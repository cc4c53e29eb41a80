"""The stored refresh token in the hands of the lease's holder: opened, replaced, retired."""

from __future__ import annotations

from dataclasses import dataclass, replace

from broker.domain.connection import Connection, Sealed, StoredRefreshToken
from broker.domain.names import Instant
from broker.domain.secret import Secret
from broker.ports.stores import Vault
from broker.sealing.envelope import Context, Keys, encryption_context, seal, unseal


@dataclass(frozen=True, slots=True)
class Custody:
    """Refresh tokens of one stack, and the key they are sealed with."""

    vault: Vault
    keys: Keys
    stack: str

    def of(self, connection: Connection) -> StoredRefreshToken | None:
        """The refresh token of the connection's current consent; None if that is not there."""
        stored = self.vault.get(connection.incarnation)
        return stored if stored and stored.epoch == connection.epoch else None

    def open(self, stored: StoredRefreshToken) -> Secret:
        """The refresh token. Raises `SealBroken`, `Unavailable`."""
        return unseal(
            self.keys, self._context(stored, stored.sealed.generation), stored.sealed.data
        )

    def replace(
        self, stored: StoredRefreshToken, token: Secret | None, due_at: Instant | None
    ) -> StoredRefreshToken | None:
        """What the vault holds after a redemption (`token` None: the same as before); None if
        someone consented or redeemed meanwhile."""
        sealed, generation = None, stored.generation
        if token:
            generation += 1
            where = self._context(stored, generation)
            sealed = Sealed(seal(self.keys, where, token), generation, stored.epoch)
        if not self.vault.rotate(stored, sealed, generation, due_at):
            return None
        return replace(stored, sealed=sealed or stored.sealed, generation=generation, due_at=due_at)

    def retire(self, connection: Connection) -> None:
        """Take a dead grant out of the index, if the one who broke it did not get that far."""
        stored = self.vault.get(connection.incarnation)
        if stored and stored.due_at is not None:
            self.vault.postpone(stored, None)

    def _context(self, stored: StoredRefreshToken, generation: int) -> Context:
        return encryption_context(
            self.stack, stored.incarnation, "refresh_token", generation, stored.epoch
        )
