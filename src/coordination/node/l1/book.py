"""What the outbox has under way, as it is on disk: each change is there before it is acted upon."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from coordination.chain.quote import Address
from coordination.node.store import Pending, Store


class Book:
    """The transactions of `sender`. What has not been signed has no nonce yet, whatever its row says.

    May be used by several threads: what is asked for changes while the outbox waits for L1. Raises StoreError.
    """

    def __init__(self, store: Store, sender: Address) -> None:
        self._store, self._sender, self._lock = store, sender, Lock()
        self._rows = {row.key: row for row in store.transactions() if row.sender == sender}

    def rows(self) -> list[Pending]:
        """By nonce; what has none comes last."""
        with self._lock:
            return sorted(self._rows.values(), key=lambda row: (not row.raw, row.nonce))

    @property
    def free_nonce(self) -> int:
        """One after all that are taken here."""
        return max((row.nonce + 1 for row in self.rows() if row.raw), default=0)

    def want(self, key: str, to: Address, data: bytes) -> None:
        """It is to be sent. It stays what it is if it is known, and is wanted again if it was stopped."""
        with self._lock:
            known = self._rows.get(key)
            if known is None:
                self._put(Pending(key, self._sender, 0, to, data, (), False))
            elif known.stopped:
                self._put(known._replace(stopped=False))

    def stop(self, is_over: Callable[[str], bool]) -> None:
        """What has a key that is over is not wanted any more. If it was never signed, nothing is left of it."""
        with self._lock:
            for row in list(self._rows.values()):
                if is_over(row.key) and not row.raw:
                    self._drop(row.key)
                elif is_over(row.key) and not row.stopped:
                    self._put(row._replace(stopped=True))

    def add_version(self, key: str, nonce: int, raw: bytes) -> bool:
        """Another signed version, on the nonce that all of them share; False if it is not wanted any more."""
        with self._lock:
            row = self._rows.get(key)
            if row is None:
                return False
            self._put(row._replace(nonce=nonce, raw=(*row.raw, raw)))
            return True

    def fill(self, nonce: int, raw: bytes) -> None:
        """A transaction that does nothing, on a nonce that nobody else uses."""
        with self._lock:
            self._put(Pending(f"gap:{nonce}", self._sender, nonce, self._sender, b"", (raw,), True))

    def free(self, key: str) -> None:
        """Its nonce went to somebody else: no version of it can ever be mined, and it needs another."""
        with self._lock:
            self._put(self._rows[key]._replace(nonce=0, raw=()))

    def drop(self, key: str) -> bool:
        """It is over; whether it is gone. What is not stopped stays: it must not be sent twice if it is asked for."""
        with self._lock:
            is_stopped = self._rows[key].stopped
            if is_stopped:
                self._drop(key)
            return is_stopped

    def _put(self, row: Pending) -> None:
        self._store.put(row)
        self._rows[row.key] = row

    def _drop(self, key: str) -> None:
        self._store.drop(key)
        del self._rows[key]
