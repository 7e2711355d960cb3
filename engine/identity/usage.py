"""When keys were last used: written down now and then, beside the keys, never on the way of a request.

A file of its own, because it changes all the time and the keys do not: a worker that sees the keys' file change reads
them again. What is lost with a kill is the last few seconds of it. Times are seconds since the epoch.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Final

from engine.identity.database import StoreError

USAGE: Final = "usage.sqlite"

_WAIT_S: Final = 5.0
_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS used (id TEXT PRIMARY KEY, time REAL NOT NULL) STRICT, WITHOUT ROWID"
_RECORD: Final = "INSERT INTO used VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET time = max(time, excluded.time)"


def record_use(folder: Path, key_ids: Iterable[str], now_s: float) -> None:
    """Note that keys were used. Raises StoreError."""
    try:
        with closing(_open(folder)) as connection, connection:
            connection.executemany(_RECORD, [(key_id, now_s) for key_id in key_ids])
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{folder / USAGE}: {error}") from error


def last_used(folder: Path) -> dict[str, float]:
    """When each key was last used, to within some seconds; of those that never were, nothing. Raises StoreError."""
    if not (folder / USAGE).exists():
        return {}
    try:
        with closing(_open(folder)) as connection, closing(connection.execute("SELECT id, time FROM used")) as cursor:
            return dict(cursor.fetchall())
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{folder / USAGE}: {error}") from error


def _open(folder: Path) -> sqlite3.Connection:
    os.close(os.open(folder / USAGE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    connection = sqlite3.connect(folder / USAGE, timeout=_WAIT_S)
    connection.execute(_SCHEMA).close()
    return connection
