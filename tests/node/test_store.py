"""What a node keeps on disk: all of it, through a kill at any moment, and for one node only."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given, settings
from hypothesis import strategies as st

from coordination.chain.accounts import address_of, development_key
from coordination.chain.quote import Quote, Signature
from coordination.node.core.effects import Chosen, Claimed, Fact, Forget, Made, Proven
from coordination.node.core.memory import Memory
from coordination.node.store import Pending, Store, StoreError

ALICE, BOB = (address_of(development_key(name)) for name in ("alice", "bob"))
MINE = "0.2.0 chain 31337 rollup 0xAA"
ROOT = Path(__file__).parents[2]

numbers = st.one_of(st.integers(0, 9), st.integers(0, 2**256 - 1))
addresses = st.one_of(st.sampled_from([ALICE, BOB]), st.binary(min_size=20, max_size=20).map(to_checksum_address))
quotes = st.builds(Quote, addresses, numbers, st.integers(0, 2**32 - 1))
words = st.binary(min_size=32, max_size=32)
facts = st.one_of(
    st.builds(Made, quotes),
    st.builds(Chosen, numbers, quotes),
    st.builds(Claimed, numbers, quotes, st.builds(Signature, st.sampled_from([27, 28]), words, words)),
    st.builds(Proven, numbers, st.binary(max_size=100)),
)
pendings = st.builds(
    Pending,
    st.sampled_from(["claim:1", "claim:2", "proof:7:240:0xab"]),
    addresses,
    numbers,
    addresses,
    st.binary(max_size=50),
    st.lists(st.binary(max_size=50), max_size=4).map(tuple),
    st.booleans(),
)
thorough = settings(max_examples=60, derandomize=True, deadline=None)


def told(steps: list[Fact | Forget]) -> Memory:
    """A memory to which the same happened."""
    memory = Memory()
    for step in steps:
        memory.forget(step.epoch) if isinstance(step, Forget) else memory.remember(step)
    return memory


def by_sender_and_nonce(pending: Pending) -> tuple[int, int, str]:
    return int(pending.sender, 16), pending.nonce, pending.key


def opened(path: Path, identity: str = MINE) -> closing[Store]:
    return closing(Store(path, identity))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.sqlite"


@thorough
@given(st.lists(st.one_of(facts, st.builds(Forget, numbers)), max_size=12), st.integers(0, 12))
def test_what_is_loaded_is_all_that_was_remembered_and_not_forgotten(
    steps: list[Fact | Forget], opened_again_at: int
) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "node.sqlite"
        for part in (steps[:opened_again_at], steps[opened_again_at:]):
            with opened(path) as store:
                for step in part:
                    store.forget(step.epoch) if isinstance(step, Forget) else store.remember(step)
        with opened(path) as store:
            assert store.load() == told(steps)


def test_proofs_are_kept_an_epoch_longer_than_quotes(path: Path) -> None:
    with opened(path) as store:
        for epoch in range(4):
            store.remember(Made(Quote(ALICE, epoch, 1)))
            store.remember(Proven(epoch, b"a proof"))
        store.forget(0)
        assert (len(store.load().made), list(store.load().proofs)) == (4, [0, 1, 2, 3])
        store.forget(2)
        assert {quote.epoch for quote in store.load().made} == {2, 3}
        assert list(store.load().proofs) == [1, 2, 3]


@thorough
@given(st.lists(st.one_of(pendings, st.sampled_from(["claim:1", "claim:2", "claim:3"])), max_size=8))
def test_the_outbox_has_the_last_of_each_key_until_it_is_dropped(steps: list[Pending | str]) -> None:
    expected: dict[str, Pending] = {}
    with TemporaryDirectory() as directory:
        path = Path(directory) / "node.sqlite"
        for step in steps:
            with opened(path) as store:
                if isinstance(step, Pending):
                    store.put(step)
                    expected[step.key] = step
                else:
                    store.drop(step)
                    expected.pop(step, None)
        with opened(path) as store:
            assert store.transactions() == sorted(expected.values(), key=by_sender_and_nonce)


def test_a_store_that_was_just_made_is_empty(path: Path) -> None:
    with opened(path) as store:
        assert store.load() == Memory()
        assert store.transactions() == []


def test_an_empty_file_is_a_store_that_has_lost_what_it_held(path: Path) -> None:
    path.touch()
    with pytest.raises(StoreError, match=r" is empty: what it held is lost; put it back, or remove it to begin anew$"):
        Store(path, MINE)
    assert path.read_bytes() == b""


def test_a_store_that_another_has_made_meanwhile_is_not_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(path) as store:
        store.remember(Proven(1, b"a proof"))
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with opened(path) as store:
        assert store.load().proofs == {1: b"a proof"}
    assert list(path.parent.iterdir()) == [path]


# A process that remembers fact after fact, says so after each, and is killed from outside.
WRITER = """
import sys
from pathlib import Path
from coordination.node.store import Store
from tests.node.test_store import MINE, nth_fact
store = Store(Path(sys.argv[1]), MINE)
for number in range(int(sys.argv[2]), 10**9):
    store.remember(nth_fact(number))
    print(number, flush=True)
"""


def nth_fact(number: int) -> Fact:
    """Facts of all kinds, each of which leaves a trace in what comes after it."""
    quote = Quote(ALICE, number, number % 10_000)
    word = number.to_bytes(32, "big")
    claimed = Claimed(number, quote, Signature(27, word, bytes(32)))
    kinds = (Made(quote), Chosen(number, quote), claimed, Proven(number % 40, word * 150))
    return kinds[number % 4]


def write_until_killed(path: Path, first: int, writes: int) -> int:
    """Kill a writer some time after it has said so many numbers; the last one that it has said."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "src", ROOT / "spec", ROOT)))}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path, str(first)], stdout=subprocess.PIPE, text=True, env=environment
    ) as writer:
        timer = threading.Timer(30, writer.kill)  # should it hang
        timer.start()
        assert writer.stdout is not None
        said = [int(next(writer.stdout)) for _ in range(writes)]
        writer.kill()
        said += [int(line) for line in writer.stdout if line.endswith("\n")]
        timer.cancel()
    assert writer.returncode == -signal.SIGKILL
    assert said == list(range(first, said[-1] + 1))
    return said[-1]


def test_a_process_killed_at_any_moment_has_lost_nothing_that_it_remembered(path: Path) -> None:
    chance, last = random.Random(1), -1
    for _ in range(5):
        last = write_until_killed(path, last + 1, chance.randint(1, 40))
        with opened(path) as store:
            memory = store.load()
        known, one_more = (told([nth_fact(number) for number in range(end)]) for end in (last + 1, last + 2))
        assert memory in (known, one_more)
        last = last if memory == known else last + 1


def test_each_write_is_synced_to_the_disk(path: Path) -> None:
    with opened(path) as store:
        [(level,)] = store._connection.execute("PRAGMA synchronous")
        [(mode,)] = store._connection.execute("PRAGMA journal_mode")
    assert (level, mode) == (2, "wal")  # FULL


def test_an_outbox_entry_is_replaced_whole_or_not_at_all(path: Path) -> None:
    first = Pending("claim:1", ALICE, 1, BOB, b"", (b"one", b"two"), False)
    with opened(path) as store:
        store.put(first)
        with pytest.raises(StoreError):
            store.put(first._replace(raw=(b"three", None)))  # type: ignore[arg-type]
        assert store.transactions() == [first]


def test_two_threads_write_one_after_the_other(path: Path) -> None:
    errors: list[BaseException] = []

    def write(start: int) -> None:
        try:
            for number in range(start, start + 50):
                store.remember(Made(Quote(ALICE, number, 1)))
                store.put(Pending(f"claim:{number}", ALICE, number, BOB, b"", (b"a", b"b"), False))
        except BaseException as error:
            errors.append(error)

    with opened(path) as store:
        threads = [threading.Thread(target=write, args=(start,)) for start in (0, 50, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert errors == []
        assert {quote.epoch for quote in store.load().made} == set(range(150))
        assert len(store.transactions()) == 150


def refused(path: Path, identity: str = MINE) -> str:
    """Why a store cannot be opened; a file that is there is left as it is."""
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError) as refusal:
        Store(path, identity)
    assert (path.read_bytes() if path.is_file() else None) == before
    said = str(refusal.value)
    assert said.startswith(str(path))
    assert "\n" not in said
    return said.removeprefix(f"{path} ")


def filled(path: Path, proofs: int = 40) -> Path:
    """A store with some proofs in it, each of which takes a page."""
    with opened(path) as store:
        for number in range(proofs):
            store.remember(Proven(number, bytes(3_000)))
    return path


def test_two_nodes_cannot_share_a_store(path: Path) -> None:
    with opened(path) as store:
        with pytest.raises(StoreError, match=r" is locked by another node$"):
            Store(path, MINE)
        store.remember(Proven(1, b"still works"))
    with opened(path) as store:
        assert store.load().proofs == {1: b"still works"}


def test_another_process_cannot_share_it_either(path: Path) -> None:
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('SELECT * FROM made')"
    with opened(path):
        ran = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 1
    assert "database is locked" in ran.stderr


def test_a_store_of_another_rollup_is_refused(path: Path) -> None:
    filled(path, 1)
    yours = "0.1.0 chain 1 rollup 0xBB"
    assert refused(path, yours) == f"is the store of {MINE!r}, not of {yours!r}"
    with opened(path) as store:
        assert len(store.load().proofs) == 1


def edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()


def test_a_store_of_a_newer_program_is_refused(path: Path) -> None:
    edit(filled(path, 1), "PRAGMA user_version = 2")
    assert refused(path) == "has schema 2; this version of the program reads 1"


def test_another_programs_database_is_refused(path: Path) -> None:
    edit(path, "CREATE TABLE meta (identity TEXT)")
    assert refused(path) == "is a database, but no node's"


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("These are notes. " * 100)
    assert refused(path) == "is not a database"


def truncate(data: bytes) -> bytes:
    return data[: len(data) // 2]


def zero_a_page(data: bytes) -> bytes:
    return data[:40_960] + bytes(4_096) + data[45_056:]


def scribble(data: bytes) -> bytes:
    return data[:50_000] + b"scribble" * 512 + data[54_096:]


@pytest.mark.parametrize("damage", [truncate, zero_a_page, scribble])
def test_a_damaged_store_is_refused(path: Path, damage: Callable[[bytes], bytes]) -> None:
    data = filled(path).read_bytes()
    assert len(data) > 80_000
    path.write_bytes(damage(data))
    assert refused(path) == "is corrupt"


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "node.sqlite"
    assert refused(path) == f"cannot be opened: there is no directory {path.parent}"


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    assert refused(tmp_path) == "cannot be opened"


@contextmanager
def somebody_else() -> Iterator[Path]:
    """A directory of ours, while we have no right to write everywhere: root would have."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        us = os.geteuid()
        if us == 0:
            os.seteuid(65_534)
        try:
            yield Path(name)
        finally:
            os.seteuid(us)


@contextmanager
def changed_by_us(directory: Path) -> Iterator[None]:
    """What only the directory's owner may do."""
    someone = os.geteuid()
    os.seteuid(directory.stat().st_uid)
    try:
        yield
    finally:
        os.seteuid(someone)


@pytest.mark.parametrize(
    ("mode", "directory_mode", "why"),
    [
        (0o444, 0o755, "cannot be read or written"),
        (0o666, 0o555, "cannot be written"),
    ],
    ids=["the file", "its directory"],
)
def test_what_cannot_be_written_is_refused_at_once(mode: int, directory_mode: int, why: str) -> None:
    with somebody_else() as directory:
        path = directory / "node.sqlite"
        with changed_by_us(directory):
            filled(path, 1).chmod(mode)
            directory.chmod(directory_mode)
        assert refused(path) == why
        with changed_by_us(directory):
            directory.chmod(0o755)


def test_a_directory_that_cannot_be_written_has_no_room_for_a_store() -> None:
    with somebody_else() as directory:
        with changed_by_us(directory):
            directory.chmod(0o555)
        assert refused(directory / "node.sqlite") == "cannot be opened: Permission denied"
        with changed_by_us(directory):
            directory.chmod(0o755)


def test_a_full_disk_is_told_and_what_was_written_before_stays(path: Path) -> None:
    with opened(path) as store:
        store.remember(Proven(1, b"small"))
        [(pages,)] = store._connection.execute("PRAGMA page_count")
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match=r" cannot be written: the disk is full$"):
            store.remember(Proven(2, bytes(100_000)))
        assert store.load().proofs == {1: b"small"}


def test_a_closed_store_refuses_in_one_line(path: Path) -> None:
    store = Store(path, MINE)
    store.close()
    with pytest.raises(StoreError, match=r"^.* fails: Cannot operate on a closed database\.$"):
        store.load()


def test_nobody_else_may_read_a_store(tmp_path: Path) -> None:
    path = tmp_path / "node.sqlite"
    store = Store(path, "mine")
    store.remember(Proven(1, b"a proof"))
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}
    store.close()
