"""The SQLite database of keys: its file, its schema, its connections.

Rules. One file, `keys.sqlite` in the state folder, mode 0600, made on first use. Write-ahead logging, so that workers
read while the command line writes; `synchronous=FULL`, so that a revocation that was reported survives a power cut. The
schema's version stands in `user_version`; a file of an older version is brought up to this one, step by step, and one
of a version that is not known is refused, never changed.

Failure modes. Whatever SQLite or the file system reports becomes StoreError with the path and the reason.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

DATABASE: Final = "keys.sqlite"
REVISION: Final = "keys.revision"

# Each step leads from the version before it; they are never changed, only added to.
_STEPS: Final = (
    """
    CREATE TABLE keys (
        id       TEXT PRIMARY KEY,
        digest   BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
        subject  TEXT NOT NULL,
        roles    TEXT NOT NULL,
        team     TEXT,
        created  REAL NOT NULL,
        expires  REAL,
        revoked  REAL,
        disabled INTEGER NOT NULL DEFAULT 0,
        revision INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE meta (revision INTEGER NOT NULL) STRICT;
    INSERT INTO meta VALUES (0);
    """,
    """
    ALTER TABLE keys ADD COLUMN owner TEXT;
    ALTER TABLE keys ADD COLUMN models TEXT;
    ALTER TABLE keys ADD COLUMN addresses TEXT;
    ALTER TABLE keys ADD COLUMN previous BLOB;
    ALTER TABLE keys ADD COLUMN previous_until REAL;
    CREATE TABLE admins (
        name    TEXT PRIMARY KEY,
        digest  BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
        roles   TEXT NOT NULL,
        created REAL NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE changes (
        number INTEGER PRIMARY KEY,
        time   REAL NOT NULL,
        actor  TEXT NOT NULL,
        action TEXT NOT NULL,
        target TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT;
    """,
    # Two hosts may have taken over one key, each under an id of its own: a digest is no longer unique. A stamp orders
    # the changes of what it is named after, between hosts; see engine.identity.replica.
    """
    CREATE TABLE moved (
        id             TEXT PRIMARY KEY,
        digest         BLOB NOT NULL CHECK (length(digest) = 32),
        subject        TEXT NOT NULL,
        roles          TEXT NOT NULL,
        team           TEXT,
        created        REAL NOT NULL,
        expires        REAL,
        revoked        REAL,
        disabled       INTEGER NOT NULL DEFAULT 0,
        revision       INTEGER NOT NULL,
        owner          TEXT,
        models         TEXT,
        addresses      TEXT,
        previous       BLOB,
        previous_until REAL,
        limits         TEXT,
        secret_stamp   INTEGER NOT NULL DEFAULT 0,
        expires_stamp  INTEGER NOT NULL DEFAULT 0,
        disabled_stamp INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID;
    INSERT INTO moved (id, digest, subject, roles, team, created, expires, revoked, disabled, revision, owner, models,
                       addresses, previous, previous_until)
        SELECT id, digest, subject, roles, team, created, expires, revoked, disabled, revision, owner, models,
               addresses, previous, previous_until FROM keys;
    DROP TABLE keys;
    ALTER TABLE moved RENAME TO keys;
    CREATE INDEX keys_by_digest ON keys (digest);
    CREATE INDEX keys_by_previous ON keys (previous) WHERE previous IS NOT NULL;
    CREATE INDEX keys_by_revision ON keys (revision);
    ALTER TABLE meta ADD COLUMN store TEXT;
    """,
)
SCHEMA_VERSION: Final = len(_STEPS)


class StoreError(Exception):
    """The key store cannot be used; the message names the file and the reason."""


def open_database(folder: Path, *, wait_s: float, read_only: bool) -> sqlite3.Connection:
    """A connection to the keys of a state folder; folder and file are made if they are missing.

    `wait_s` is how long a statement waits for another process's lock. Raises StoreError.
    """
    path = folder / DATABASE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would make the file with the process's umask; its side files take the mode of the main one.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: {error}") from error
    try:
        _prepare(connection, folder, read_only)
    except (sqlite3.Error, StoreError) as error:
        connection.close()
        raise StoreError(f"{path}: {error}") from error
    return connection


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other process is in here for the same folder. The lock is the folder's: SQLite's own are on its files."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _upgrade(connection: sqlite3.Connection, version: int) -> None:
    # Before the transaction: the journal's mode cannot change inside one.
    connection.execute("PRAGMA journal_mode=WAL").close()
    with closing(connection.cursor()) as cursor:
        cursor.execute("BEGIN IMMEDIATE")
        for step in _STEPS[version:]:
            for statement in filter(str.strip, step.split(";")):
                cursor.execute(statement)
        cursor.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        cursor.execute("COMMIT")


def _prepare(connection: sqlite3.Connection, folder: Path, read_only: bool) -> None:
    if _pragma(connection, "user_version") < SCHEMA_VERSION:
        # SQLite does not wait for a lock while it changes the journal's mode: two processes at once would both fail.
        with _alone(folder):
            version = _pragma(connection, "user_version")
            if version < SCHEMA_VERSION:
                _upgrade(connection, version)
    version = _pragma(connection, "user_version")
    if version != SCHEMA_VERSION:
        raise StoreError(f"has schema version {version}, this build reads version {SCHEMA_VERSION}")
    connection.execute("PRAGMA synchronous=FULL").close()
    if read_only:
        connection.execute("PRAGMA query_only=1").close()


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    with closing(connection.execute(f"PRAGMA {name}")) as cursor:
        return int(cursor.fetchone()[0])
