"""Keys at rest and in a worker's memory: life, revocation, and what happens when the store is gone."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.identity.database import DATABASE, REVISION, open_database
from engine.identity.key_store import KeyStore
from engine.identity.store import IdentityUnavailable, KeyCache, StoreError
from engine.identity.text import check_text

NOW = 2_000_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def store(folder: Path) -> Iterator[KeyStore]:
    with KeyStore(folder) as opened:
        yield opened


@pytest.fixture
def cache(store: KeyStore, folder: Path) -> Iterator[KeyCache]:
    opened = KeyCache(folder)
    yield opened
    opened.close()


def test_a_key_names_its_principal(store: KeyStore, cache: KeyCache) -> None:
    made = store.create("alice", ["analyst", "operator", "analyst"], team="blue")
    principal = cache.lookup(made.key, NOW)
    assert principal is not None
    assert (principal.subject, principal.team, principal.roles) == ("alice", "blue", ("analyst", "operator"))
    assert principal.key_id == made.id
    assert principal.source == "api_key"
    assert cache.lookup(made.key.encode(), NOW) is principal


def test_unknown_and_malformed_keys_name_nobody(store: KeyStore, cache: KeyCache) -> None:
    made = store.create("alice", ["analyst"])
    wrong = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")
    for token in ("", "x", wrong, made.key + "x", made.key.upper(), "\ud800", b"\xff" * 100, made.id):
        assert cache.lookup(token, NOW) is None
        assert cache.lookup(token, NOW) is None
    assert cache.lookup(made.key, NOW) is not None


def test_revocation_bites_at_the_next_look(store: KeyStore, cache: KeyCache) -> None:
    kept, revoked = store.create("alice", ["analyst"]), store.create("bob", ["analyst"])
    assert cache.lookup(revoked.key, NOW) is not None
    assert store.revoke(revoked.id)
    assert cache.lookup(revoked.key, NOW) is None
    assert cache.lookup(kept.key, NOW) is not None
    assert store.revoke(revoked.id), "to revoke twice is no error"
    assert not store.revoke("nosuchkey234")


def test_a_key_made_after_it_was_refused_works_at_once(store: KeyStore, cache: KeyCache, folder: Path) -> None:
    made = store.create("alice", ["analyst"])
    with sqlite3.connect(folder / DATABASE) as connection:
        row = connection.execute("SELECT * FROM keys WHERE id = ?", (made.id,)).fetchone()
        connection.execute("DELETE FROM keys")
    connection.close()
    assert cache.lookup(made.key, NOW) is None
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute(f"INSERT INTO keys VALUES ({','.join('?' * len(row))})", row)  # noqa: S608
    connection.close()
    assert cache.lookup(made.key, NOW) is None, "nobody announced the change"
    store.create("somebody", ["analyst"])
    assert cache.lookup(made.key, NOW) is not None


def test_expiry_is_judged_at_each_look(store: KeyStore, cache: KeyCache) -> None:
    made = store.create("alice", ["analyst"], expires=NOW)
    assert cache.lookup(made.key, NOW - 0.001) is not None
    assert cache.lookup(made.key, NOW) is None
    assert cache.lookup(made.key, NOW - 0.001) is not None


def test_a_disabled_key_names_nobody(store: KeyStore, cache: KeyCache, folder: Path) -> None:
    made = store.create("alice", ["analyst"])
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute("UPDATE keys SET disabled = 1")
    connection.close()
    assert cache.lookup(made.key, NOW) is None
    assert [record.status(NOW) for record in store.list()] == ["disabled"]


def test_a_change_without_announcement_is_found_by_poll(store: KeyStore, cache: KeyCache, folder: Path) -> None:
    made = store.create("alice", ["analyst"])
    cache.poll()
    assert cache.lookup(made.key, NOW) is not None
    cache.poll()
    assert len(cache._known) == 1, "nothing changed, nothing is forgotten"
    with sqlite3.connect(folder / DATABASE) as connection:
        connection.execute("UPDATE keys SET revoked = 1")
    connection.close()
    cache.poll()
    assert cache.lookup(made.key, NOW) is None


def test_list_tells_everything_but_the_secret(store: KeyStore) -> None:
    first = store.create("alice", ["analyst"], team="blue", expires=NOW)
    second = store.create("bob", ["operator"])
    store.revoke(second.id)
    records = {record.id: record for record in store.list()}
    assert records[first.id].status(NOW - 1) == "active"
    assert records[first.id].status(NOW) == "expired"
    assert records[second.id].status(NOW) == "revoked"
    assert records[first.id].created == pytest.approx(time.time(), abs=60)
    assert first.key.rpartition("_")[2] not in repr(records)


def test_no_file_holds_the_secret_and_modes_are_private(store: KeyStore, folder: Path) -> None:
    made = store.create("alice", ["analyst"])
    for file in folder.iterdir():
        assert made.key.rpartition("_")[2].encode() not in file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_keys_outlive_the_process(folder: Path) -> None:
    with KeyStore(folder) as store:
        made = store.create("alice", ["analyst"])
    cache = KeyCache(folder)
    assert cache.lookup(made.key, NOW) is not None
    cache.close()


def test_store_that_cannot_be_read_is_unavailable_not_open(store: KeyStore, cache: KeyCache) -> None:
    made = store.create("alice", ["analyst"])
    store._connection.execute("ALTER TABLE keys RENAME TO lost")
    with pytest.raises(IdentityUnavailable):
        cache.lookup(made.key, NOW)
    # What has another form could be a key that was brought in.
    with pytest.raises(IdentityUnavailable):
        cache.lookup("not a key", NOW)


def test_store_that_is_removed_and_made_again(folder: Path) -> None:
    with KeyStore(folder) as store:
        old = store.create("alice", ["analyst"])
    cache = KeyCache(folder)
    assert cache.lookup(old.key, NOW) is not None
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", REVISION):
        (folder / name).unlink(missing_ok=True)
    for _ in range(2):
        with pytest.raises(IdentityUnavailable):
            cache.poll()
        with pytest.raises(IdentityUnavailable):
            cache.lookup(old.key, NOW)
    with KeyStore(folder) as store:
        new = store.create("bob", ["analyst"])
        cache.poll()
        assert cache.lookup(old.key, NOW) is None
        assert cache.lookup(new.key, NOW) is not None
        store.revoke(new.id)
        assert cache.lookup(new.key, NOW) is None
    cache.close()


def test_damaged_store_is_refused(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError, match=r"keys\.sqlite: .*not a database"):
        KeyStore(folder)
    with pytest.raises(StoreError):
        KeyCache(folder)


def test_store_of_another_version_is_refused(store: KeyStore, folder: Path) -> None:
    store._connection.execute("PRAGMA user_version=99")
    with pytest.raises(StoreError, match="schema version 99"):
        KeyStore(folder)


def test_symbolic_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        KeyStore(folder)
    assert not (tmp_path / "elsewhere").exists()


def test_worker_cannot_write(store: KeyStore, folder: Path) -> None:
    connection = open_database(folder, wait_s=0.1, read_only=True)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM keys")
    connection.close()


@pytest.mark.parametrize("size", [3, 5])
def test_memory_is_bounded(store: KeyStore, cache: KeyCache, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("engine.identity.store._KNOWN_KEYS", size)
    monkeypatch.setattr("engine.identity.store._UNKNOWN_KEYS", size)
    made = [store.create(f"user{number}", ["analyst"]) for number in range(2 * size)]
    for key in made:
        assert cache.lookup(key.key, NOW) is not None
        assert cache.lookup(key.key[:-1] + ("A" if key.key[-1] != "A" else "B"), NOW) is None
        assert len(cache._known) <= size
        assert len(cache._unknown) <= size
    assert all(cache.lookup(key.key, NOW) is not None for key in made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a" * 257,
        " alice",
        "alice ",
        "al\nice",
        "al\0ice",
        "al\u200bice",
        "al\u202eice",
        "al\u00a0ice",
        "ali\u0301ce",
        "\ud800",
        "\ue000",
    ],
)
def test_names_that_could_mislead_are_refused(store: KeyStore, text: str) -> None:
    with pytest.raises(ValueError, match="a subject"):
        store.create(text, ["analyst"])
    assert store.list() == []


def test_other_names_are_kept_as_they_are(store: KeyStore) -> None:
    for text in ("alice", "al'; DROP TABLE keys; --", "Zoë van den Berg", "利用者", "a" * 256, "<b>&amp;"):
        assert check_text("subject", text) == text
        store.create(text, ["analyst"])
    assert [record.subject for record in store.list()].count("al'; DROP TABLE keys; --") == 1


def test_a_key_needs_a_role(store: KeyStore) -> None:
    with pytest.raises(ValueError, match="at least one role"):
        store.create("alice", [])
    with pytest.raises(ValueError, match="a role"):
        store.create("alice", ["a\nb"])
    with pytest.raises(ValueError, match="a team"):
        store.create("alice", ["analyst"], team="")


def _create_many(folder: Path, count: int) -> None:
    with KeyStore(folder) as store:
        for _ in range(count):
            store.create("alice", ["analyst"])


def test_writers_at_once_lose_nothing_and_announce_every_change(folder: Path) -> None:
    with KeyStore(folder) as store:
        before = store._revision.word[0]
        context = multiprocessing.get_context("spawn")
        writers = [context.Process(target=_create_many, args=(folder, 25)) for _ in range(4)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * 4
        assert len(store.list()) == 100
        assert store._revision.word[0] - before == 100


def test_first_use_by_several_processes_at_once(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_create_many, args=(folder, 1)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 4
    with KeyStore(folder) as store:
        assert len(store.list()) == 4


def test_closing_frees_the_files(folder: Path) -> None:
    def opened() -> set[str]:
        return set(os.listdir("/proc/self/fd"))

    with KeyStore(folder):
        pass
    before = opened()
    with KeyStore(folder):
        cache = KeyCache(folder)
        cache.close()
    assert opened() == before
