"""The key of keyed hashes in answers: 32 random bytes in the state folder, made once.

With it, two mentions of one value stay linkable (over answers, workers and restarts) and nobody without the file can
guess values and compare. A file of another size is refused rather than replaced: replacing it would break the links.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

# In the state folder.
HASH_KEY_FILE: Final = "redaction.key"
KEY_BYTES: Final = 32


def open_hash_key(path: Path) -> bytes:
    """The key, made if there is none; of several that make it at once, one wins. Raises OSError, ValueError."""
    if not path.exists():
        own = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(own, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(own, path)
        except FileExistsError:
            pass
        finally:
            own.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: has {len(key)} bytes, not {KEY_BYTES}")
    return key
