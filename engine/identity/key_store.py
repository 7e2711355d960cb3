"""API keys at rest: the side that changes them, for the command line and the admin interface.

Rules. A key is never stored, only its SHA-256. A change is committed to disk together with the line that records who
made it, then announced by the shared revision word: the next request on every worker of the host reads the store again.
The record of changes is only ever added to, and holds no secret.

A key that is rotated keeps its id, its limits and its name in the audit log. Its old secret is valid for the overlap
that is asked for, and no longer than the key.

Failure modes. StoreError for whatever SQLite or the file system reports; ValueError for names that cannot be used.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from engine.identity.database import DATABASE, REVISION, StoreError, open_database
from engine.identity.keys import ADMIN_PREFIX, NewKey, digest, make
from engine.identity.records import COLUMNS, Admin, Change, KeyFields, KeyRecord, check_fields, to_record
from engine.identity.revision import Revision
from engine.identity.text import check_text

__all__ = ["KeyStore", "StoreError"]

_WRITER_WAIT_S: Final = 10.0
_DIGEST: Final = 32
_DISABLED_STAMP: Final = "disabled_stamp = max(disabled_stamp + 1, :stamp)"
_EXPIRES_STAMP: Final = "expires_stamp = max(expires_stamp + 1, :stamp)"


class KeyStore:
    """The keys of a state folder, to read and to change. Raises StoreError. Not for the way of a request.

    `actor` names who makes the changes of this object, for the record; a call can name another.
    """

    def __init__(self, folder: Path, actor: str = "unknown") -> None:
        self._path = folder / DATABASE
        self._actor = actor
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
        self,
        subject: str,
        roles: Sequence[str],
        *,
        team: str | None = None,
        expires: float | None = None,
        owner: str | None = None,
        models: Sequence[str] | None = None,
        addresses: Sequence[str] | None = None,
        limits: Sequence[str] | None = None,
        actor: str | None = None,
    ) -> NewKey:
        """Make a key and store its digest. `expires` is in seconds since the epoch. Raises ValueError for bad names."""
        fields = KeyFields(
            subject, tuple(roles), team, expires, owner, _tuple(models), _tuple(addresses), _tuple(limits)
        )
        made = make()
        self._insert("create", made.id, digest(made.key.encode()), fields, actor)
        return made

    def import_digest(self, hexadecimal: str, fields: KeyFields, *, actor: str | None = None) -> str:
        """Store the SHA-256 of a key that exists already, in hexadecimal. The id it goes by here.

        Raises ValueError for a digest that is none or is here already.
        """
        try:
            digested = bytes.fromhex(hexadecimal)
        except ValueError:
            digested = b""
        if len(digested) != _DIGEST:
            raise ValueError("a SHA-256 digest has 64 hexadecimal digits")
        key_id = make().id
        if self._one("SELECT id FROM keys WHERE digest = ? OR previous = ?", digested, digested) is not None:
            raise ValueError("a key of this digest is here already")
        self._insert("import", key_id, digested, fields, actor)
        return key_id

    def rotate(self, key_id: str, overlap_s: float = 0.0, *, actor: str | None = None) -> NewKey | None:
        """Give a key a new secret; the old one is valid for `overlap_s` seconds more. None where there is no such key.

        Raises ValueError for a key that is revoked.
        """
        made = make()
        new = NewKey(key_id, made.key.replace(made.id, key_id, 1))
        until = time.time() + max(overlap_s, 0.0)
        record = self.get(key_id)
        if record is None:
            return None
        if record.revoked is not None:
            raise ValueError("a revoked key is not rotated; create another")
        with self._change("rotate", key_id, {"overlap_s": overlap_s}, actor) as (cursor, revision):
            cursor.execute(
                "UPDATE keys SET previous = digest, previous_until = ?, digest = ?, revision = ?,"
                " secret_stamp = max(secret_stamp + 1, ?) WHERE id = ?",
                (until, digest(new.key.encode()), revision, _stamp(), key_id),
            )
        return new

    def revoke(self, key_id: str, *, actor: str | None = None) -> bool:
        """Revoke a key for good; one that is revoked stays so. False where there is no such key."""
        return self._update("revoke", key_id, "revoked = coalesce(revoked, :value)", time.time(), actor)

    def disable(self, key_id: str, *, actor: str | None = None) -> bool:
        """Refuse a key until it is enabled again. False where there is no such key."""
        return self._update("disable", key_id, f"disabled = :value, {_DISABLED_STAMP}", 1, actor)

    def enable(self, key_id: str, *, actor: str | None = None) -> bool:
        """Accept a key that was disabled. False where there is no such key. One that is revoked stays so."""
        return self._update("enable", key_id, f"disabled = :value, {_DISABLED_STAMP}", 0, actor)

    def expire(self, key_id: str, expires: float | None, *, actor: str | None = None) -> bool:
        """Set when a key ends, in seconds since the epoch; None for never. False where there is no such key."""
        return self._update("expire", key_id, f"expires = :value, {_EXPIRES_STAMP}", expires, actor)

    def get(self, key_id: str) -> KeyRecord | None:
        """A key."""
        row = self._one(f"SELECT {COLUMNS} FROM keys WHERE id = ?", key_id)  # noqa: S608 - a constant
        return to_record(row) if row is not None else None

    def list(self) -> list[KeyRecord]:
        """Every key, oldest first."""
        return [to_record(row) for row in self._all(f"SELECT {COLUMNS} FROM keys ORDER BY created, id")]  # noqa: S608

    def changes(self, target: str | None = None, limit: int = 1000) -> Sequence[Change]:
        """The record of changes, newest first; of one key or admin, where `target` names it."""
        rows = self._all(
            "SELECT time, actor, action, target, detail FROM changes WHERE target = coalesce(?, target)"
            " ORDER BY number DESC LIMIT ?",
            target,
            limit,
        )
        return [Change(moment, actor, action, key, json.loads(detail)) for moment, actor, action, key, detail in rows]

    def note(self, action: str, target: str, *, actor: str | None = None) -> None:
        """Add a line to the record about something that is not kept here."""
        with self._change(action, target, {}, actor):
            pass

    def create_admin(self, name: str, roles: Sequence[str], *, actor: str | None = None) -> str:
        """A token for the admin interface, stored as its digest. Raises ValueError for a name that is taken or bad."""
        check_text("name", name)
        if not roles:
            raise ValueError("an admin has at least one role to give; '*' is every role")
        for role in roles:
            check_text("role", role)
        if self._one("SELECT 1 FROM admins WHERE name = ?", name) is not None:
            raise ValueError("there is an admin of this name already")
        token = ADMIN_PREFIX + secrets.token_urlsafe(32)
        granted = json.dumps(list(dict.fromkeys(roles)))
        with self._change("create-admin", name, {"roles": list(roles)}, actor) as (cursor, _):
            cursor.execute(
                "INSERT INTO admins (name, digest, roles, created) VALUES (?, ?, ?, ?)",
                (name, digest(token.encode()), granted, time.time()),
            )
        return token

    def remove_admin(self, name: str, *, actor: str | None = None) -> bool:
        """Forget an admin; the token is not valid any more. False where there is none."""
        try:
            with self._change("remove-admin", name, {}, actor) as (cursor, _):
                cursor.execute("DELETE FROM admins WHERE name = ?", (name,))
                if cursor.rowcount != 1:
                    raise _NoSuchKey
        except _NoSuchKey:
            return False
        return True

    def admins(self) -> Sequence[Admin]:
        """Every admin."""
        return [Admin(name, tuple(json.loads(roles))) for name, roles in self._all("SELECT name, roles FROM admins")]

    def find_admin(self, token: bytes) -> Admin | None:
        """Whose token it is. Found by its digest, so that nothing of the token shows in the time it takes."""
        row = self._one("SELECT name, roles FROM admins WHERE digest = ?", digest(token))
        return Admin(row[0], tuple(json.loads(row[1]))) if row is not None else None

    def _insert(self, action: str, key_id: str, digested: bytes, fields: KeyFields, actor: str | None) -> None:
        fields = check_fields(fields)
        detail = {
            name: value
            for name in ("subject", "roles", "team", "owner", "expires", "models", "addresses", "limits")
            if (value := getattr(fields, name)) is not None
        }
        values = (
            key_id,
            digested,
            fields.subject,
            json.dumps(fields.roles),
            fields.team,
            time.time(),
            fields.expires,
            fields.owner,
            json.dumps(fields.models) if fields.models is not None else None,
            json.dumps(fields.addresses) if fields.addresses is not None else None,
            json.dumps(fields.limits) if fields.limits is not None else None,
        )
        with self._change(action, key_id, detail, actor) as (cursor, revision):
            cursor.execute(
                "INSERT INTO keys"
                " (id, digest, subject, roles, team, created, expires, owner, models, addresses, limits, revision)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, revision),
            )

    def _update(self, action: str, key_id: str, assignment: str, value: float | None, actor: str | None) -> bool:
        """`assignment` is one of this module's own texts."""
        detail = {"expires": value} if action == "expire" else {}
        try:
            with self._change(action, key_id, detail, actor) as (cursor, revision):
                cursor.execute(
                    f"UPDATE keys SET {assignment}, revision = :revision WHERE id = :id",  # noqa: S608
                    {"value": value, "stamp": _stamp(), "revision": revision, "id": key_id},
                )
                if cursor.rowcount != 1:
                    raise _NoSuchKey
        except _NoSuchKey:
            return False
        return True

    def _one(self, statement: str, *values: Any) -> Sequence[Any] | None:
        rows = self._all(statement, *values)
        return rows[0] if rows else None

    def _all(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        try:
            with closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error

    @contextmanager
    def _change(
        self, action: str, target: str, detail: dict[str, Any], actor: str | None
    ) -> Iterator[tuple[sqlite3.Cursor, int]]:
        """A transaction under the next revision, with its line of the record, announced once it is on disk."""
        try:
            with closing(self._connection.cursor()) as cursor:
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    cursor.execute("UPDATE meta SET revision = revision + 1")
                    revision = cursor.execute("SELECT revision FROM meta").fetchone()[0]
                    yield cursor, revision
                    cursor.execute(
                        "INSERT INTO changes (time, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
                        (time.time(), actor or self._actor, action, target, json.dumps(detail)),
                    )
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{self._path}: {error}") from error
        self._revision.bump()


class _NoSuchKey(Exception):
    """Nothing was changed: the transaction is rolled back, without a line of the record."""


def _stamp() -> int:
    """Orders a change among those of all hosts: the time, in us since the epoch; never below one that it follows."""
    return time.time_ns() // 1000


def _tuple(values: Sequence[str] | None) -> tuple[str, ...] | None:
    return tuple(values) if values is not None else None
