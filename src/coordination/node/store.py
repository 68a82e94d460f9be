"""What a node keeps on disk: the core's memory, and the transactions that its outbox has under way.

One SQLite file, of one node on one rollup, which nobody else can open meanwhile. It is written ahead (WAL) with
`synchronous = FULL`: each commit is one append, checksummed and on the disk when it returns, so that what was
remembered survives a killed process and a power cut, and what was not quite written never was. (A rollback journal
would need `EXTRA` for that, and several writes.)
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from threading import Lock
from typing import Any, NamedTuple

from eth_utils.address import to_checksum_address

from coordination.chain.quote import Address, Quote, Signature
from coordination.node.core.effects import Chosen, Claimed, Fact, Made, Proven
from coordination.node.core.memory import Memory

APPLICATION = 0x50434E44  # in the file's header: it is a store, and no other program's database
SCHEMA = 1

# Epochs, slots and nonces are words, 32 bytes, the most significant first: SQLite's integers end at 2^63, and words
# sort as the numbers do.
_TABLES = """
CREATE TABLE meta (identity TEXT NOT NULL);
CREATE TABLE made (
    prover BLOB NOT NULL,
    epoch BLOB NOT NULL,
    basis_point_fee INTEGER NOT NULL,
    PRIMARY KEY (epoch, prover, basis_point_fee)
);
CREATE TABLE chosen (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    slot BLOB NOT NULL,
    prover BLOB NOT NULL,
    epoch BLOB NOT NULL,
    basis_point_fee INTEGER NOT NULL
);
CREATE TABLE claimed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    slot BLOB NOT NULL,
    prover BLOB NOT NULL,
    epoch BLOB NOT NULL,
    basis_point_fee INTEGER NOT NULL,
    v INTEGER NOT NULL,
    r BLOB NOT NULL,
    s BLOB NOT NULL
);
CREATE TABLE proven (epoch BLOB PRIMARY KEY, proof BLOB NOT NULL);
CREATE TABLE pending (
    key TEXT PRIMARY KEY,
    sender BLOB NOT NULL,
    nonce BLOB NOT NULL,
    recipient BLOB NOT NULL,
    data BLOB NOT NULL,
    stopped INTEGER NOT NULL
);
CREATE TABLE raw (
    key TEXT NOT NULL REFERENCES pending ON DELETE CASCADE,
    version INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (key, version)
);
"""

_REASONS = {
    sqlite3.SQLITE_BUSY: "is locked by another node",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_CORRUPT: "is corrupt",
    sqlite3.SQLITE_FULL: "cannot be written: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written",
    sqlite3.SQLITE_NOTADB: "is not a database",
    sqlite3.SQLITE_READONLY: "cannot be written",
}


class StoreError(Exception):
    """A store cannot be used; the message says in one line which, and why."""


class Pending(NamedTuple):
    """A transaction of the outbox. `raw` is every signed version that was broadcast, the newest last."""

    key: str
    sender: Address
    nonce: int
    to: Address
    data: bytes
    raw: tuple[bytes, ...]
    stopped: bool


class Store:
    """The file at `path`, made if there is none. `identity` says whose it is: which design, chain and rollup.

    Raises StoreError, also later, and then leaves what is on disk as it is. May be used by several threads.
    """

    def __init__(self, path: Path, identity: str) -> None:
        self._path, self._lock = path, Lock()
        if not path.parent.is_dir():
            raise StoreError(f"{path} cannot be opened: there is no directory {path.parent}")
        if not path.exists():
            self._make(identity)
        with self._one_line():
            self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            with self._one_line():
                self._open(identity)
        except BaseException:
            self._connection.close()
            raise

    def _make(self, identity: str) -> None:
        """A file that is whole from its first moment, so that an empty one has lost what it held.

        Only its owner may read it. Who makes one at the same time comes first or second.
        """
        try:
            with NamedTemporaryFile(dir=self._path.parent, prefix=f"{self._path.name}.") as new:
                with self._one_line(), closing(sqlite3.connect(new.name, isolation_level=None)) as connection:
                    _create(connection, identity)
                with suppress(FileExistsError):
                    os.link(new.name, self._path)
        except OSError as error:
            raise StoreError(f"{self._path} cannot be opened: {error.strerror}") from error

    def close(self) -> None:
        with self._lock, self._one_line():
            self._connection.close()

    def load(self) -> Memory:
        """All that was remembered and not forgotten."""
        with self._transaction() as run:
            memory = Memory(made={_quote(*row) for row in run("SELECT prover, epoch, basis_point_fee FROM made")})
            for slot, *quote in run("SELECT slot, prover, epoch, basis_point_fee FROM chosen"):
                memory.chosen = Chosen(_number(slot), _quote(*quote))
            for slot, *quote, v, r, s in run("SELECT slot, prover, epoch, basis_point_fee, v, r, s FROM claimed"):
                memory.claimed = Claimed(_number(slot), _quote(*quote), Signature(v, r, s))
            memory.proofs = {_number(epoch): proof for epoch, proof in run("SELECT epoch, proof FROM proven")}
        return memory

    def remember(self, fact: Fact) -> None:
        """It is on the disk when this returns."""
        with self._transaction() as run:
            match fact:
                case Made(quote):
                    run("INSERT OR IGNORE INTO made VALUES (?, ?, ?)", *_columns(quote))
                case Chosen(slot, quote):
                    run("REPLACE INTO chosen VALUES (1, ?, ?, ?, ?)", _word(slot), *_columns(quote))
                case Claimed(slot, quote, signature):
                    row = (_word(slot), *_columns(quote), *signature)
                    run("REPLACE INTO claimed VALUES (1, ?, ?, ?, ?, ?, ?, ?)", *row)
                case Proven(epoch, proof):
                    run("REPLACE INTO proven VALUES (?, ?)", _word(epoch), proof)

    def forget(self, epoch: int) -> None:
        """As `Memory.forget`: quotes for epochs before `epoch` go, and proofs for those before the previous one."""
        with self._transaction() as run:
            run("DELETE FROM made WHERE epoch < ?", _word(epoch))
            run("DELETE FROM proven WHERE epoch < ?", _word(max(0, epoch - 1)))

    def transactions(self) -> list[Pending]:
        """All that the outbox has under way, by sender and nonce."""
        with self._transaction() as run:
            rows = run("SELECT key, sender, nonce, recipient, data, stopped FROM pending ORDER BY sender, nonce, key")
            return [
                Pending(
                    key,
                    to_checksum_address(sender),
                    _number(nonce),
                    to_checksum_address(to),
                    data,
                    tuple(raw for (raw,) in run("SELECT bytes FROM raw WHERE key = ? ORDER BY version", key)),
                    bool(stopped),
                )
                for key, sender, nonce, to, data, stopped in rows.fetchall()
            ]

    def put(self, pending: Pending) -> None:
        """In the place of what has the same key, if anything has. It is on the disk when this returns."""
        key, sender, nonce, to, data, raw, stopped = pending
        with self._transaction() as run:
            run("DELETE FROM pending WHERE key = ?", key)
            row = (key, _address(sender), _word(nonce), _address(to), data, stopped)
            run("INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?)", *row)
            for version, signed in enumerate(raw):
                run("INSERT INTO raw VALUES (?, ?, ?)", key, version, signed)

    def drop(self, key: str) -> None:
        """There may be none of that key."""
        with self._transaction() as run:
            run("DELETE FROM pending WHERE key = ?", key)

    def _open(self, identity: str) -> None:
        """Lock the file, and see that it is whole and of this identity. Nothing is written until that is known."""
        self._run("PRAGMA locking_mode = EXCLUSIVE")
        self._run("PRAGMA synchronous = FULL")
        self._run("PRAGMA foreign_keys = ON")
        with self._transaction() as run:
            [(damage,)] = run("PRAGMA integrity_check(1)")
            if damage != "ok":
                raise StoreError(f"{self._path} is corrupt")
            self._check(identity)
        self._run("PRAGMA journal_mode = WAL")

    def _check(self, identity: str) -> None:
        if self._run("SELECT * FROM sqlite_schema").fetchone() is None:
            raise StoreError(f"{self._path} is empty: what it held is lost; put it back, or remove it to begin anew")
        if self._run("PRAGMA application_id").fetchone() != (APPLICATION,):
            raise StoreError(f"{self._path} is a database, but no node's")
        [(schema,)] = self._run("PRAGMA user_version")
        if schema != SCHEMA:
            raise StoreError(f"{self._path} has schema {schema}; this version of the program reads {SCHEMA}")
        [(owner,)] = self._run("SELECT identity FROM meta")
        if owner != identity:
            raise StoreError(f"{self._path} is the store of {owner!r}, not of {identity!r}")

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        """All or nothing of what is run in it."""
        with self._lock, self._one_line():
            self._run("BEGIN EXCLUSIVE")
            try:
                yield self._run
                self._run("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._run("ROLLBACK")
                raise

    @contextmanager
    def _one_line(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
            raise StoreError(f"{self._path} {_REASONS.get(code, f'fails: {error}')}") from error


def _create(connection: sqlite3.Connection, identity: str) -> None:
    connection.executescript(f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};")
    connection.execute("INSERT INTO meta VALUES (?)", (identity,))
    connection.execute("COMMIT")


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _number(word: bytes) -> int:
    return int.from_bytes(word, "big")


def _address(address: Address) -> bytes:
    return bytes.fromhex(address[2:])


def _columns(quote: Quote) -> tuple[bytes, bytes, int]:
    return _address(quote.prover), _word(quote.epoch), quote.basis_point_fee


def _quote(prover: bytes, epoch: bytes, basis_point_fee: int) -> Quote:
    return Quote(to_checksum_address(prover), _number(epoch), basis_point_fee)
