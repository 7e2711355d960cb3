"""The file that holds every counter of a host, mapped by the supervisor and all workers.

Layout: one page of header, then `slots` slots of 16 bytes as `engine._fast.bucket` describes them. The header is

    magic     8 bytes   "TIDEGATE"
    version   u32       of this layout
    slot size u32       16
    slots     u64       a power of two
    key       16 bytes  secret key of the fingerprints
    checksum  32 bytes  SHA-256 of all that stands before it

little-endian; the rest of the page is zero.

Rules
- A new file is written under another name, with all its blocks allocated and its header on disk, and only then linked
  to its name: there is no moment at which a half-made file can be found, and of two processes that make it at once both
  use the first one.
- A file that is not exactly what was asked for (magic, version, checksum, length, number of slots) is a StateError that
  says what is wrong and what to do. It is never reset: it holds people's debts.
- Mode 0600: who reads the key can make subjects collide, who writes can forgive debts.

Failure modes: a full disk is reported here, not later (the blocks are allocated, so that a write to the mapping cannot
fail); a file shortened by somebody else while it is mapped kills the process that touches the lost part (SIGBUS). The
kernel writes the pages back by itself: the kill of every process loses nothing, a power cut up to half a minute of
counting. A process killed while it makes the file leaves its unfinished copy, which nobody reads.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import secrets
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

from engine._fast.bucket import SLOT_BYTES, WINDOW, Table

# Names in the state folder: the file, and the folder of the workers' open reservations.
LIMITS_FILE = "limits.state"
JOURNALS = "reservations"

MAGIC = b"TIDEGATE"
# 2: slots hold open reservations and calendar quotas too.
VERSION = 2
# A page, so that the slots begin on a cache line whatever the header grows to.
HEADER_BYTES = 4096
MIN_SLOTS = WINDOW
# 16 GiB of counters; beyond that a number is a typing error.
MAX_SLOTS = 1 << 30

_HEAD = struct.Struct("<8sIIQ16s")
_CHECKSUM_BYTES = hashlib.sha256().digest_size


class StateError(Exception):
    """The state file cannot be used as it is; the message names the file, the reason and a remedy."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open file of counters. It stays mapped until the last plan made from `table` is gone."""

    path: Path
    table: Table

    @property
    def slots(self) -> int:
        """Number of counters there is room for."""
        return len(self.table)


def open_store(path: Path, slots: int) -> Store:
    """Map the file at `path`, made with room for `slots` counters (a power of two, 16..2^30) if there is none.

    Raises StateError for a file that is damaged or made for another number of slots, or that the system refuses to
    make, open or map; ValueError for a number of slots that cannot be.
    """
    if not MIN_SLOTS <= slots <= MAX_SLOTS or slots & (slots - 1):
        raise ValueError(f"{slots} slots: not a power of two from {MIN_SLOTS} to {MAX_SLOTS}")
    try:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            _create(path, slots)
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            key = _check(path, descriptor, slots)
            mapping = mmap.mmap(descriptor, HEADER_BYTES + slots * SLOT_BYTES, mmap.MAP_SHARED)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StateError(f"{path}: cannot be used as the file of limits: {error.strerror or error}") from error
    return Store(path, Table(memoryview(mapping)[HEADER_BYTES:], key))


def _create(path: Path, slots: int) -> None:
    head = _HEAD.pack(MAGIC, VERSION, SLOT_BYTES, slots, secrets.token_bytes(16))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            os.posix_fallocate(descriptor, 0, HEADER_BYTES + slots * SLOT_BYTES)
            os.pwrite(descriptor, head + hashlib.sha256(head).digest(), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        # Unlike a rename, a link does not replace a file that another process has made meanwhile.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(path: Path, descriptor: int, slots: int) -> bytes:
    """Compare the file to what is asked for; returns its hash key."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise StateError(f"{path}: is not a regular file")
    remedy = "Restore it from a backup, or move it away to begin with empty counters."
    page = os.pread(descriptor, HEADER_BYTES, 0)
    if not page.startswith(MAGIC):
        raise StateError(f"{path}: is not a file of limits (its first bytes are not {MAGIC.decode()!r}). {remedy}")
    if len(page) < HEADER_BYTES:
        raise StateError(f"{path}: is cut short within its header. {remedy}")
    head, checksum = page[: _HEAD.size], page[_HEAD.size : _HEAD.size + _CHECKSUM_BYTES]
    _, version, slot_bytes, found, key = _HEAD.unpack(head)
    if version != VERSION:
        raise StateError(f"{path}: has layout version {version}, this build reads version {VERSION}. {remedy}")
    if hashlib.sha256(head).digest() != checksum or slot_bytes != SLOT_BYTES:
        raise StateError(f"{path}: its header is damaged (wrong checksum). {remedy}")
    if found != slots:
        raise StateError(
            f"{path}: was made for {found} slots, {slots} are configured. "
            f"Set TIDEGATE_LIMIT_SLOTS={found}, or move the file away to begin with empty counters."
        )
    expected = HEADER_BYTES + slots * SLOT_BYTES
    if status.st_size != expected:
        raise StateError(f"{path}: has {status.st_size} bytes, its header says {expected}. {remedy}")
    return bytes(key)
