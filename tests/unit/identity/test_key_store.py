"""The life of a key: rotated, narrowed, brought in from elsewhere, and who changed it."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.identity import database
from engine.identity.database import DATABASE
from engine.identity.key_store import KeyStore
from engine.identity.records import Admin, KeyFields
from engine.identity.replica import Replica
from engine.identity.store import KeyCache
from engine.identity.usage import last_used, record_use


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    with KeyStore(tmp_path, "test") as opened:
        yield opened


@pytest.fixture
def cache(store: KeyStore, tmp_path: Path) -> Iterator[KeyCache]:
    opened = KeyCache(tmp_path)
    yield opened
    opened.close()


def test_a_rotated_key_has_two_secrets_for_the_overlap(store: KeyStore, cache: KeyCache) -> None:
    old = store.create("alice", ["analyst"])
    now = time.time()
    assert cache.lookup(old.key, now) is not None
    new = store.rotate(old.id, overlap_s=3600)
    assert new is not None
    assert new.id == old.id
    assert new.key != old.key
    for key in (old.key, new.key):
        principal = cache.lookup(key, now + 3500)
        assert principal is not None
        assert principal.key_id == old.id
    assert cache.lookup(old.key, now + 3700) is None
    assert cache.lookup(new.key, now + 3700) is not None
    # Rotated again: the first secret is gone, whatever its overlap was.
    newest = store.rotate(old.id)
    assert newest is not None
    assert [cache.lookup(key, time.time() + 1) is not None for key in (old.key, new.key, newest.key)] == [
        False,
        False,
        True,
    ]
    assert store.revoke(old.id)
    assert cache.lookup(newest.key, now) is None
    with pytest.raises(ValueError, match="revoked"):
        store.rotate(old.id)
    assert store.rotate("nobody234567") is None


def test_the_overlap_does_not_outlast_the_key(store: KeyStore, cache: KeyCache) -> None:
    now = time.time()
    old = store.create("alice", ["analyst"], expires=now + 60)
    store.rotate(old.id, overlap_s=3600)
    assert cache.lookup(old.key, now + 59) is not None
    assert cache.lookup(old.key, now + 61) is None


def test_disabled_enabled_expired(store: KeyStore, cache: KeyCache) -> None:
    made = store.create("alice", ["analyst"])
    now = time.time()
    principal = cache.lookup(made.key, now)
    assert principal is not None
    assert not cache.is_revoked(principal)
    assert store.disable(made.id)
    assert cache.lookup(made.key, now) is None
    assert cache.is_revoked(principal)
    assert store.enable(made.id)
    assert cache.lookup(made.key, now) is not None
    assert store.expire(made.id, now + 10)
    assert cache.lookup(made.key, now + 10) is None
    assert store.expire(made.id, None)
    assert cache.lookup(made.key, now + 1e9) is not None
    assert not any(change("nobody234567") for change in (store.disable, store.enable, store.revoke))


def test_keys_of_other_forms_come_in_by_their_digest(store: KeyStore, cache: KeyCache) -> None:
    key = "sk-live-0123456789"
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert cache.lookup(key, 0) is None
    key_id = store.import_digest(digest.upper(), KeyFields("alice", ("analyst",), owner="ops"))
    principal = cache.lookup(key, 0)
    assert principal is not None
    assert (principal.subject, principal.key_id) == ("alice", key_id)
    assert cache.lookup(key + "0", 0) is None
    for wrong in (digest, "", "00", "xx" * 32, digest + "00"):
        with pytest.raises(ValueError, match="digest"):
            store.import_digest(wrong, KeyFields("bob", ("analyst",)))
    foreign = "tg_abcdefghjkmn_" + "x" * 40
    store.import_digest(hashlib.sha256(foreign.encode()).hexdigest(), KeyFields("carol", ("analyst",)))
    carol = cache.lookup(foreign, 0)
    assert carol is not None
    assert carol.subject == "carol"


def test_scope_and_owner(store: KeyStore, cache: KeyCache) -> None:
    made = store.create(
        "alice", ["analyst"], owner="ops", models=["gpt-4o*"], addresses=["192.0.2.0/24", "2001:DB8::/32"]
    )
    principal = cache.lookup(made.key, 0)
    assert principal is not None
    assert principal.models == ("gpt-4o*",)
    assert principal.addresses == ("192.0.2.0/24", "2001:db8::/32")
    record = store.get(made.id)
    assert record is not None
    assert record.owner == "ops"
    for wrong in ({"addresses": ["nowhere"]}, {"addresses": ["192.0.2.1/24"]}, {"models": []}, {"owner": "a\n"}):
        with pytest.raises(ValueError):  # noqa: PT011 - several texts
            store.create("alice", ["analyst"], **wrong)  # type: ignore[arg-type]


def test_every_change_is_on_the_record(store: KeyStore, tmp_path: Path) -> None:
    made = store.create("alice", ["analyst"], actor="admin:root")
    store.disable(made.id)
    store.enable(made.id)
    new = store.rotate(made.id)
    store.expire(made.id, 4_000_000_000.0)
    store.revoke(made.id)
    store.revoke("nobody234567")
    store.create("bob", ["analyst"])
    changes = store.changes(made.id)
    assert [change.action for change in reversed(changes)] == [
        "create",
        "disable",
        "enable",
        "rotate",
        "expire",
        "revoke",
    ]
    assert {change.actor for change in changes} == {"admin:root", "test"}
    assert changes[-1].detail == {"subject": "alice", "roles": ["analyst"]}
    assert len(store.changes()) == 7
    # Neither there nor anywhere else is a secret.
    assert new is not None
    for file in tmp_path.iterdir():
        data = file.read_bytes()
        for key in (made.key, new.key):
            assert key.encode() not in data
            assert key.rpartition("_")[2].encode() not in data


def test_admins(store: KeyStore) -> None:
    token = store.create_admin("root", ["*"])
    lesser = store.create_admin("team", ["analyst", "user"])
    assert store.find_admin(token.encode()) == Admin("root", ("*",))
    assert store.find_admin(lesser.encode()) == Admin("team", ("analyst", "user"))
    assert store.find_admin(lesser.encode() + b"x") is None
    assert store.find_admin(b"") is None
    assert Admin("root", ("*",)).may_grant(["anything"])
    assert Admin("team", ("analyst", "user")).may_grant(["user"])
    assert not Admin("team", ("analyst", "user")).may_grant(["user", "operator"])
    with pytest.raises(ValueError, match="already"):
        store.create_admin("root", ["*"])
    assert store.remove_admin("team")
    assert not store.remove_admin("team")
    assert store.find_admin(lesser.encode()) is None


def test_a_store_of_the_first_version_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(database, "_STEPS", database._STEPS[:1])
        patch.setattr(database, "SCHEMA_VERSION", 1)
        database.open_database(tmp_path, wait_s=1, read_only=False).close()
    key = "tg_abcdefghjkmn_" + "x" * 40
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute(
            "INSERT INTO keys (id, digest, subject, roles, created, revision) VALUES (?, ?, 'alice', '[\"a\"]', 0, 0)",
            ("abcdefghjkmn", hashlib.sha256(key.encode()).digest()),
        )
    connection.close()
    with KeyStore(tmp_path) as store:
        assert [record.subject for record in store.list()] == ["alice"]
        cache = KeyCache(tmp_path)
        assert cache.lookup(key, 0) is not None
        cache.close()


def test_last_use(store: KeyStore, cache: KeyCache, tmp_path: Path) -> None:
    one, two = store.create("alice", ["a"]), store.create("bob", ["a"])
    cache.poll()
    for _ in range(3):
        cache.lookup(one.key, 0)
    cache.lookup(two.key[:-1], 0)
    assert cache.take_used() == {one.id}
    assert cache.take_used() == frozenset()
    assert last_used(tmp_path) == {}
    record_use(tmp_path, [one.id], 100.0)
    record_use(tmp_path, [one.id, two.id], 50.0)
    assert last_used(tmp_path) == {one.id: 100.0, two.id: 50.0}
    # The keys' own file did not change: workers go on with what they have.
    generation = cache.generation
    cache.poll()
    assert cache.generation == generation


def test_the_old_secret_of_an_imported_key_is_valid_for_the_overlap(store: KeyStore, cache: KeyCache) -> None:
    key_id = store.import_digest(hashlib.sha256(b"sk-legacy").hexdigest(), KeyFields("alice", ("user",)))
    now = time.time()
    rotated = store.rotate(key_id, 60.0)
    assert rotated is not None
    assert cache.lookup(b"sk-legacy", now) is not None
    assert cache.lookup(rotated.key, now) is not None
    assert cache.lookup(b"sk-legacy", now + 61) is None
    with pytest.raises(ValueError, match="here already"):
        store.import_digest(hashlib.sha256(b"sk-legacy").hexdigest(), KeyFields("bob", ("user",)))


def test_of_a_key_that_two_hosts_took_over_revoking_either_is_enough(tmp_path: Path) -> None:
    digested = hashlib.sha256(b"sk-legacy").hexdigest()
    with KeyStore(tmp_path / "one", "test") as one, KeyStore(tmp_path / "two", "test") as two:
        ids = [store.import_digest(digested, KeyFields("alice", ("user",))) for store in (one, two)]
        ours, theirs = Replica(tmp_path / "one"), Replica(tmp_path / "two")
        ours.put(theirs.changed()[1])
        cache = KeyCache(tmp_path / "one")
        assert cache.lookup(b"sk-legacy", time.time()) is not None
        for key_id in ids:
            one.disable(key_id)
            assert cache.lookup(b"sk-legacy", time.time()) is None
            one.enable(key_id)
        one.revoke(ids[1])
        assert cache.lookup(b"sk-legacy", time.time()) is None
