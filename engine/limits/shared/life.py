"""Which store this host knows, and who the host is: two small files of its state folder.

    store.id   the id that the store's buckets carry. It tells a store that is new from one that has lost everything:
               only a host without this file may start a store with whole budgets
    host.id    this host among those that share the store; hosts are counted to give each an equal share

To begin with whole budgets on purpose: stop all gateways, empty the store, remove `store.id` on every host.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

STORE_FILE: Final = "store.id"
HOST_FILE: Final = "host.id"


class Life:
    """The two files in `folder`. Raises OSError where they can be neither read nor written."""

    def __init__(self, folder: Path) -> None:
        self._store = folder / STORE_FILE
        self.host = _made_once(folder / HOST_FILE)
        self.store = self._store.read_text().strip() if self._store.exists() else ""

    def adopt(self, store: str) -> None:
        """Know the store by this id from now on, over restarts."""
        if store == self.store and self._store.exists():
            return
        self.store = store
        temporary = self._store.with_name(f".{STORE_FILE}.{secrets.token_hex(8)}")
        temporary.write_text(store + "\n")
        os.replace(temporary, self._store)


def new_id() -> str:
    """A random name."""
    return secrets.token_hex(8)


def _made_once(path: Path) -> str:
    """The text of a file that the first of several processes makes."""
    if not path.exists():
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        temporary.write_text(new_id() + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        temporary.unlink()
    return path.read_text().strip()
