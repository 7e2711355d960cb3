"""The key database of a host as one of several that shall hold the same: what has changed in it, and what is put in.

Rules. What arrives is joined with the row that is there, in one transaction with its lines of the record and announced
by the revision word as any change is. No row is ever removed.

Failure modes. StoreError for whatever SQLite or the file system reports. A database that was replaced as a file is
opened anew, and then all of it counts as changed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from engine.identity.database import DATABASE, REVISION, StoreError, open_database
from engine.identity.revision import Revision
from engine.identity.shared_key import SharedKey, join

__all__ = ["Replica", "StoreError"]

_WAIT_S: Final = 2.0
_COLUMNS: Final = (
    "id, subject, roles, created, digest, team, owner, models, addresses, limits, revoked, disabled, disabled_stamp,"
    " expires, expires_stamp, previous, previous_until, secret_stamp"
)
_CHANGED: Final = (
    f"SELECT revision, {_COLUMNS} FROM keys"  # noqa: S608 - a constant
    " WHERE (revision, id) > (?, ?) ORDER BY revision, id LIMIT ?"
)
_BY_ID: Final = f"SELECT {_COLUMNS} FROM keys WHERE id = ?"  # noqa: S608 - constants
_PUT: Final = (
    f"INSERT OR REPLACE INTO keys ({_COLUMNS}, revision)"  # noqa: S608 - a constant
    f" VALUES ({', '.join('?' * (_COLUMNS.count(',') + 2))})"
)
# Of one transaction, so that no writer waits long for it.
_BATCH: Final = 1000
_NOTHING: Final = (0, "")


class Replica:
    """The keys of a state folder. One thread at a time is let in; after `close` every call is a StoreError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = _NOTHING
        # Who is cancelled leaves a call behind in its thread, and SQLite does not survive a `close` in mid-call.
        self._guard = threading.Lock()
        self._is_closed = False
        self._open()

    def _open(self) -> None:
        self._connection = open_database(self._folder, wait_s=_WAIT_S, read_only=False)
        try:
            self._revision = Revision(self._folder / REVISION)
            self._file = _file(self._folder / DATABASE)
        except OSError as error:
            self._connection.close()
            raise StoreError(f"{self._folder}: {error}") from error

    def close(self) -> None:
        """Close the files, after the call that is under way."""
        with self._guard:
            self._is_closed = True
            self._connection.close()
            self._revision.close()

    @property
    def word(self) -> int:
        """Changes when the keys do, at the price of one memory read."""
        return self._revision.word[0]

    def trust(self, until_ns: int) -> None:
        """See `Revision.trust`. Workers that believed nothing until now are told."""
        was_over = self._revision.trusted_until <= time.monotonic_ns()
        self._revision.trust(until_ns)
        if was_over and until_ns:
            self._revision.bump()

    def store(self) -> str:
        """The name of the store that this host last agreed with; "" for none."""
        with self._using():
            return str(self._rows("SELECT coalesce(store, '') FROM meta")[0][0])

    def adopt(self, store: str) -> None:
        """Remember the store that this host agrees with, over restarts."""
        with self._using():
            self._connection.execute("UPDATE meta SET store = ?", (store,)).close()

    def changed(self) -> tuple[bool, list[SharedKey]]:
        """What has changed since the last call, at first all; whether it is all there is, because of another file."""
        with self._using():
            is_whole = self._seen == _NOTHING
            if _file(self._folder / DATABASE) != self._file:
                connection, revision = self._connection, self._revision
                self._open()
                connection.close()
                revision.close()
                self._seen, is_whole = _NOTHING, True
            keys: list[SharedKey] = []
            while rows := self._rows(_CHANGED, *self._seen, _BATCH):
                self._seen = rows[-1][:2]
                keys += (_key(row[1:]) for row in rows)
        return is_whole, keys

    def get(self, ids: Iterable[str]) -> dict[str, SharedKey]:
        """Keys by their ids."""
        with self._using():
            return {row[0]: _key(row) for key_id in ids for row in self._rows(_BY_ID, key_id)}

    def put(self, keys: Sequence[SharedKey]) -> None:
        """Join what other hosts know with what is here."""
        for start in range(0, len(keys), _BATCH):
            self._put(keys[start : start + _BATCH])

    def _put(self, keys: Sequence[SharedKey]) -> None:
        changed = False
        with self._using():
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    cursor.execute("UPDATE meta SET revision = revision + 1")
                    revision = cursor.execute("SELECT revision FROM meta").fetchone()[0]
                    for theirs in keys:
                        row = cursor.execute(_BY_ID, (theirs.id,)).fetchone()
                        ours = _key(row) if row is not None else None
                        joined = join(ours, theirs) if ours is not None else theirs
                        if joined == ours:
                            continue
                        changed = True
                        cursor.execute(_PUT, (*_row(joined), revision))
                        cursor.execute(
                            "INSERT INTO changes (time, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
                            (time.time(), "another host", "receive", joined.id, json.dumps(_difference(ours, joined))),
                        )
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
            if changed:
                self._revision.bump()

    def _rows(self, statement: str, *values: Any) -> list[Any]:
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._guard:
            try:
                if self._is_closed:
                    raise OSError("it is closed")
                yield
            except (OSError, sqlite3.Error, ValueError) as error:
                raise StoreError(f"{self._folder / DATABASE}: {error}") from error


def _difference(before: SharedKey | None, after: SharedKey) -> dict[str, Any]:
    """What a line of the record says: of a new key what it may, of another what has changed. No digest."""
    if before is None:
        shown = {"subject": after.subject, "roles": after.roles}
        return shown | {"revoked": after.revoked} if after.revoked is not None else shown
    detail: dict[str, Any] = {
        name: getattr(after, name)
        for name in ("revoked", "disabled", "expires")
        if getattr(after, name) != getattr(before, name)
    }
    if after.digest != before.digest:
        detail["rotated"] = True
    return detail


def _key(row: Sequence[Any]) -> SharedKey:
    (key_id, subject, roles, created, digest, team, owner, models, addresses, limits, revoked, *rest) = row
    disabled, disabled_stamp, expires, expires_stamp, previous, previous_until, secret_stamp = rest
    return SharedKey(
        key_id,
        subject,
        tuple(json.loads(roles)),
        created,
        digest,
        team,
        owner,
        _list(models),
        _list(addresses),
        _list(limits),
        revoked,
        bool(disabled),
        disabled_stamp,
        expires,
        expires_stamp,
        previous,
        previous_until,
        secret_stamp,
    )


def _row(key: SharedKey) -> tuple[Any, ...]:
    return (
        key.id,
        key.subject,
        json.dumps(key.roles),
        key.created,
        key.digest,
        key.team,
        key.owner,
        _text(key.models),
        _text(key.addresses),
        _text(key.limits),
        key.revoked,
        int(key.disabled),
        key.disabled_stamp,
        key.expires,
        key.expires_stamp,
        key.previous,
        key.previous_until,
        key.secret_stamp,
    )


def _list(text: str | None) -> tuple[str, ...] | None:
    return tuple(json.loads(text)) if text is not None else None


def _text(values: Sequence[str] | None) -> str | None:
    return json.dumps(values) if values is not None else None


def _file(path: Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino
