"""API keys in the memory of a worker: the side that asks, on the way of a request.

Rules. Digests are compared without a timing leak. A key that is revoked, disabled, expired or unknown is no principal.
A change of the store is announced by the shared revision word: the next look-up reads the store again. A key of our own
form is found by the id in it; any other, brought in by `tidegate keys import`, by its digest.

Where hosts share their keys, those of this host are believed only as long as its supervisor has lately compared them
(`Revision.trust`): past that time `lookup` knows nothing and raises.

Failure modes. Where the store cannot be read, `lookup` raises IdentityUnavailable: the caller refuses the request. What
is in memory still answers, as the revision word says that it still holds. A change that was committed but not announced
(the writer was killed in between) and a store that was replaced as a file are found by `poll`, once a second.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic_ns
from typing import Final

from engine._fast.fingerprint import SECRET_BYTES, Fingerprint
from engine.identity.database import DATABASE, REVISION, StoreError, open_database
from engine.identity.errors import IdentityUnavailable
from engine.identity.keys import digest, parse
from engine.identity.principal import Principal, assignment
from engine.identity.records import COLUMNS, KeyRecord, to_record
from engine.identity.revision import Revision

__all__ = ["IdentityUnavailable", "KeyCache", "StoreError"]

# A writer may wait for another one; a worker must not, as all its connections wait with it.
_READER_WAIT_S: Final = 0.1

# About 0.5 KB each. Past the bound the cache begins anew, at one query a key.
_KNOWN_KEYS: Final = 65_536
# Fingerprints of what was no key lately: a client that repeats a bad key costs no query each time.
_UNKNOWN_KEYS: Final = 4_096

# Ours have 56 characters, those of others up to a few hundred. What is longer is no key.
_LONGEST_KEY: Final = 1024

_BY_ID: Final = f"SELECT digest, previous, {COLUMNS} FROM keys WHERE id = ?"  # noqa: S608 - a constant
# Of several of one digest (two hosts took over the same key) the one that is refused: revoking either is enough.
_BY_DIGEST: Final = (
    f"SELECT digest, previous, {COLUMNS} FROM keys WHERE digest = ?1 OR previous = ?1"  # noqa: S608 - a constant
    " ORDER BY revoked IS NULL, disabled = 0, digest != ?1, id LIMIT 1"
)

_INVALID: Final = -1.0
_OUT_OF_TOUCH: Final = "keys were not compared with the other hosts' lately"


class KeyCache:
    """The keys as one worker sees them. Not shared between threads. Raises StoreError when made."""

    __slots__ = (
        "_connection",
        "_data_version",
        "_file",
        "_fingerprint",
        "_folder",
        "_known",
        "_revision",
        "_seen",
        "_shared",
        "_trusted",
        "_unknown",
        "_used",
        "_word",
        "generation",
    )

    def __init__(self, folder: Path, shared: bool = False) -> None:
        """`shared`: hosts share their keys."""
        self._folder = folder
        self._shared = shared
        self._trusted = not shared
        # Counts the times that something in the store was found to have changed.
        self.generation = 0
        # Both maps are keyed by fingerprints: no key is held in memory, and no look-up tells how near to one it was.
        self._fingerprint = Fingerprint(os.urandom(SECRET_BYTES))
        self._known: dict[bytes, Principal] = {}
        self._unknown: set[bytes] = set()
        self._used: set[str] = set()
        self._open()
        self.check_trust()

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
        # The word is a view of the mapping, which cannot be closed under it.
        self._word = memoryview(bytes(8)).cast("Q")
        self._revision.close()

    def lookup(self, token: bytes | str, now_s: float) -> Principal | None:
        """The principal of a key, None where it is not valid at `now_s` (seconds since the epoch).

        Raises IdentityUnavailable where that cannot be told.
        """
        if self._word[0] != self._seen:
            self._forget()
        if isinstance(token, str):
            token = token.encode("utf-8", "replace")
        known_by = self._fingerprint.of(token)
        principal = self._known.get(known_by)
        if principal is None:
            principal = self._read(token, known_by)
            if principal is None:
                return None
        expires_at = principal.expires_at
        if expires_at is not None and now_s >= expires_at:
            return None
        self._used.add(principal.key_id)
        return principal

    def follow(self) -> int:
        """Takes note of a change that the revision word tells of. The generation."""
        if self._word[0] != self._seen:
            self._forget()
        return self.generation

    def check_trust(self) -> bool:
        """Whether the keys may be believed now. To be called some times a second: their end is not announced."""
        trusted = not self._shared or monotonic_ns() < self._revision.trusted_until
        if trusted != self._trusted:
            self._trusted = trusted
            self._forget()
        return trusted

    def is_revoked(self, principal: Principal) -> bool:
        """Whether the key that a principal came with is not valid any more, other than by its expiry.

        Raises IdentityUnavailable where that cannot be told.
        """
        if principal.source != "api_key":
            return False
        if not self._trusted:
            raise IdentityUnavailable(_OUT_OF_TOUCH)
        found = self._row(_BY_ID, principal.key_id)
        return found is None or found[2].revoked is not None or found[2].disabled

    def take_used(self) -> frozenset[str]:
        """The ids of keys that were used since the last call."""
        used = frozenset(self._used)
        self._used.clear()
        return used

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
        self._trusted = not self._shared or monotonic_ns() < self._revision.trusted_until
        self._known.clear()
        self._unknown.clear()

    def _read(self, token: bytes, known_by: bytes) -> Principal | None:
        if not self._trusted:
            raise IdentityUnavailable(_OUT_OF_TOUCH)
        if known_by in self._unknown or len(token) > _LONGEST_KEY:
            return None
        hashed = digest(token)
        key_id = parse(token)
        found = self._row(_BY_ID, key_id) if key_id is not None else None
        if found is None:
            found = self._row(_BY_DIGEST, hashed)
        expires = _expiry(found, hashed) if found is not None else _INVALID
        if found is None or expires == _INVALID:
            if len(self._unknown) >= _UNKNOWN_KEYS:
                self._unknown.clear()
            self._unknown.add(known_by)
            return None
        record = found[2]
        principal = Principal(
            subject=record.subject,
            key_id=record.id,
            team=record.team,
            roles=record.roles,
            expires_at=expires,
            source="api_key",
            models=record.models,
            addresses=record.addresses,
            limits=tuple(map(assignment, record.limits)) if record.limits is not None else None,
        )
        if len(self._known) >= _KNOWN_KEYS:
            self._known.clear()
        self._known[known_by] = principal
        return principal

    def _row(self, statement: str, value: str | bytes) -> tuple[bytes, bytes | None, KeyRecord] | None:
        """The digest, the one that was rotated out, and the record of a key. Raises IdentityUnavailable."""
        try:
            with closing(self._connection.execute(statement, (value,))) as cursor:
                row = cursor.fetchone()
            return (row[0], row[1], to_record(row[2:])) if row is not None else None
        except (sqlite3.Error, ValueError) as error:
            raise IdentityUnavailable(str(error)) from error

    def _read_data_version(self) -> int:
        with closing(self._connection.execute("PRAGMA data_version")) as cursor:
            return int(cursor.fetchone()[0])


def _expiry(found: tuple[bytes, bytes | None, KeyRecord], hashed: bytes) -> float | None:
    """Until when a secret is valid for its key: seconds since the epoch, None for ever, _INVALID for not at all."""
    current, previous, record = found
    if record.revoked is not None or record.disabled:
        return _INVALID
    if hmac.compare_digest(current, hashed):
        return record.expires
    if previous is None or record.previous_until is None or not hmac.compare_digest(previous, hashed):
        return _INVALID
    return record.previous_until if record.expires is None else min(record.expires, record.previous_until)


def _file(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
