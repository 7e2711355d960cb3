"""API keys at rest, and in the memory of a worker.

`KeyStore` is the side that changes keys: the command line and the admin interface. `KeyCache` is the side that asks, on
the way of a request.

Rules. A key is never stored, only its SHA-256, and digests are compared without a timing leak. A key that is revoked,
disabled, expired or unknown is no principal. A change is committed to disk, then announced by the shared revision word:
the next request on every worker of the host reads the store again.

Failure modes. Where the store cannot be read, `lookup` raises IdentityUnavailable: the caller refuses the request. What
is in memory still answers, as the revision word says that it still holds. A change that was committed but not announced
(the writer was killed in between) and a store that was replaced as a file are found by `poll`, once a second.
"""

from __future__ import annotations

import hmac
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from engine.identity.database import DATABASE, REVISION, StoreError, open_database
from engine.identity.errors import IdentityUnavailable
from engine.identity.keys import NewKey, digest, make, parse
from engine.identity.principal import Principal
from engine.identity.revision import Revision
from engine.identity.text import check_text

__all__ = ["IdentityUnavailable", "KeyCache", "KeyRecord", "KeyStore", "StoreError"]

# A writer may wait for another one; a worker must not, as all its connections wait with it.
_WRITER_WAIT_S: Final = 10.0
_READER_WAIT_S: Final = 0.1

# About 0.5 KB each. Past the bound the cache begins anew, at one query a key.
_KNOWN_KEYS: Final = 65_536
# Digests of what was no key lately: a client that repeats a bad key costs no query each time.
_UNKNOWN_KEYS: Final = 4_096

_SELECT_ALL: Final = (
    "SELECT id, subject, roles, team, created, expires, revoked, disabled FROM keys ORDER BY created, id"
)
_SELECT_ONE: Final = (
    "SELECT digest, id, subject, roles, team, created, expires, revoked, disabled FROM keys WHERE id = ?"
)


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key, its secret excepted. Times are seconds since the epoch."""

    id: str
    subject: str
    roles: tuple[str, ...]
    team: str | None
    created: float
    expires: float | None
    revoked: float | None
    disabled: bool

    def status(self, now_s: float) -> str:
        """active, revoked, disabled or expired."""
        if self.revoked is not None:
            return "revoked"
        if self.disabled:
            return "disabled"
        return "expired" if self.expires is not None and now_s >= self.expires else "active"


def _record(row: Sequence[Any]) -> KeyRecord:
    key_id, subject, roles, team, created, expires, revoked, disabled = row
    return KeyRecord(key_id, subject, tuple(json.loads(roles)), team, created, expires, revoked, bool(disabled))


class KeyStore:
    """The keys of a state folder, to read and to change. Raises StoreError. Not for the way of a request."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE
        self._connection = open_database(folder, wait_s=_WRITER_WAIT_S, read_only=False)
        try:
            self._revision = Revision(folder / REVISION)
        except OSError as error:
            self._connection.close()
            raise StoreError(f"{folder / REVISION}: {error}") from error

    def close(self) -> None:
        """Close the files."""
        self._connection.close()
        self._revision.close()

    def __enter__(self) -> KeyStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create(
        self, subject: str, roles: Sequence[str], *, team: str | None = None, expires: float | None = None
    ) -> NewKey:
        """Make a key and store its digest. `expires` is in seconds since the epoch. Raises ValueError for bad names."""
        check_text("subject", subject)
        if not roles:
            raise ValueError("a key has at least one role")
        for role in roles:
            check_text("role", role)
        if team is not None:
            check_text("team", team)
        made = make()
        values = (
            made.id,
            digest(made.key.encode()),
            subject,
            json.dumps(list(dict.fromkeys(roles))),
            team,
            time.time(),
            expires,
        )
        with self._change() as (cursor, revision):
            cursor.execute(
                "INSERT INTO keys (id, digest, subject, roles, team, created, expires, revision)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, revision),
            )
        return made

    def revoke(self, key_id: str) -> bool:
        """Revoke a key for good; one that is revoked stays so. False where there is no such key."""
        with self._change() as (cursor, revision):
            cursor.execute(
                "UPDATE keys SET revoked = coalesce(revoked, ?), revision = ? WHERE id = ?",
                (time.time(), revision, key_id),
            )
            return cursor.rowcount == 1

    def list(self) -> list[KeyRecord]:
        """Every key, oldest first."""
        try:
            with closing(self._connection.execute(_SELECT_ALL)) as cursor:
                return [_record(row) for row in cursor]
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    @contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Cursor, int]]:
        """A transaction under the next revision, announced once it is on disk."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    cursor.execute("UPDATE meta SET revision = revision + 1")
                    revision = cursor.execute("SELECT revision FROM meta").fetchone()[0]
                    yield cursor, revision
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error
        self._revision.bump()


class KeyCache:
    """The keys as one worker sees them. Not shared between threads. Raises StoreError when made."""

    __slots__ = (
        "_connection",
        "_data_version",
        "_file",
        "_folder",
        "_known",
        "_revision",
        "_seen",
        "_unknown",
        "_word",
        "generation",
    )

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Counts the times that something in the store was found to have changed.
        self.generation = 0
        self._known: dict[bytes, Principal] = {}
        self._unknown: set[bytes] = set()
        self._open()

    def _open(self) -> None:
        self._connection = open_database(self._folder, wait_s=_READER_WAIT_S, read_only=True)
        try:
            self._revision = Revision(self._folder / REVISION)
            self._file = _file(self._folder / DATABASE)
            self._data_version = self._read_data_version()
        except (OSError, sqlite3.Error) as error:
            self._connection.close()
            raise StoreError(f"{self._folder}: {error}") from error
        self._word = self._revision.word
        self._seen = self._word[0]

    def close(self) -> None:
        """Close the files. `lookup` must not be called any more."""
        self._connection.close()
        self._revision.close()

    def lookup(self, token: bytes | str, now_s: float) -> Principal | None:
        """The principal of a key, None where it is not valid at `now_s` (seconds since the epoch).

        Raises IdentityUnavailable where that cannot be told.
        """
        if self._word[0] != self._seen:
            self._forget()
        if isinstance(token, str):
            token = token.encode("utf-8", "replace")
        hashed = sha256(token).digest()
        principal = self._known.get(hashed)
        if principal is None:
            principal = self._read(token, hashed)
            if principal is None:
                return None
        expires_at = principal.expires_at
        if expires_at is not None and now_s >= expires_at:
            return None
        return principal

    def follow(self) -> int:
        """Takes note of a change that the revision word tells of. The generation."""
        if self._word[0] != self._seen:
            self._forget()
        return self.generation

    def is_revoked(self, principal: Principal) -> bool:
        """Whether the key that a principal came with is not valid any more, other than by its expiry.

        Raises IdentityUnavailable where that cannot be told.
        """
        if principal.source != "api_key":
            return False
        record = self._row(principal.key_id)
        return record is None or record[1].revoked is not None or record[1].disabled

    def poll(self) -> None:
        """Find changes that the revision word did not tell of. To be called about once a second.

        Raises IdentityUnavailable while the store cannot be read or is not there. What is in memory is dropped then,
        and `lookup` raises too, until a later poll finds a store: what an unlinked file says is not what is true.
        """
        try:
            if (
                _file(self._folder / DATABASE) != self._file
                or _file(self._folder / REVISION) != self._revision.identity
            ):
                self._reopen()
            elif (version := self._read_data_version()) != self._data_version:
                self._data_version = version
                self._forget()
        except (OSError, sqlite3.Error, StoreError) as error:
            self._forget()
            self._connection.close()
            self._file = (-1, -1)
            raise IdentityUnavailable(str(error)) from error

    def _reopen(self) -> None:
        connection, revision = self._connection, self._revision
        self._open()
        self._forget()
        connection.close()
        revision.close()

    def _forget(self) -> None:
        # The word first: a change that comes while the maps are emptied is seen at the next look.
        self._seen = self._word[0]
        self.generation += 1
        self._known.clear()
        self._unknown.clear()

    def _read(self, token: bytes, hashed: bytes) -> Principal | None:
        key_id = parse(token)
        if key_id is None or hashed in self._unknown:
            return None
        found = self._row(key_id)
        if found is None or not hmac.compare_digest(found[0], hashed) or found[1].revoked or found[1].disabled:
            if len(self._unknown) >= _UNKNOWN_KEYS:
                self._unknown.clear()
            self._unknown.add(hashed)
            return None
        record = found[1]
        principal = Principal(
            subject=record.subject,
            key_id=record.id,
            team=record.team,
            roles=record.roles,
            expires_at=record.expires,
            source="api_key",
        )
        if len(self._known) >= _KNOWN_KEYS:
            self._known.clear()
        self._known[hashed] = principal
        return principal

    def _row(self, key_id: str) -> tuple[bytes, KeyRecord] | None:
        """The digest and record of a key. Raises IdentityUnavailable."""
        try:
            with closing(self._connection.execute(_SELECT_ONE, (key_id,))) as cursor:
                row = cursor.fetchone()
            return (row[0], _record(row[1:])) if row is not None else None
        except (sqlite3.Error, ValueError) as error:
            raise IdentityUnavailable(str(error)) from error

    def _read_data_version(self) -> int:
        with closing(self._connection.execute("PRAGMA data_version")) as cursor:
            return int(cursor.fetchone()[0])


def _file(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
