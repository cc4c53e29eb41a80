"""A bounded, in-process memory of opened secrets, keyed by encryption context and sealed bytes.

A changed record has other bytes, so nothing stale is ever found, and sealed bytes that were moved
to another encryption context are not found at all; what is not used falls out.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from broker.domain.secret import Secret
from broker.sealing.envelope import Context, authenticated


class UnsealedCache:
    """At most `size` secrets, least recently used first out. Safe for threads."""

    def __init__(self, size: int = 512) -> None:
        self._size = size
        self._items: OrderedDict[bytes, Secret] = OrderedDict()
        self._lock = Lock()

    def get(self, where: Context, sealed: bytes, unseal: Callable[[], Secret]) -> Secret:
        """The secret that was sealed for this encryption context as these bytes; `unseal` is called
        only if it is not known."""
        # JSON ends where it ends: no two pairs of context and bytes run together alike.
        digest = hashlib.sha256(authenticated(where) + sealed).digest()
        with self._lock:
            if (known := self._items.get(digest)) is not None:
                self._items.move_to_end(digest)
                return known
        opened = unseal()
        with self._lock:
            self._items[digest] = opened
            while len(self._items) > self._size:
                self._items.popitem(last=False)
        return opened
