"""The Lua functions, each a file in lua/, and what a call of one takes and answers.

A ledger's script is `ledger.lua` and a kind's file after it, as one text: a script of Redis cannot call another one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

# A 64th of the counters is lost to one slot's fate, and a beat can look at all of them in a few turns.
BUCKETS: Final = 64

Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Script:
    """A text of Lua, called by its SHA-1 as EVALSHA wants it."""

    name: str
    text: str = field(repr=False)

    @property
    def sha(self) -> str:
        """Hex digest of the text: a name, not a protection."""
        return hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()


class Call(NamedTuple):
    """One run of a script; its keys share a hash tag."""

    script: Script
    sha: str
    keys: tuple[bytes, ...]
    arguments: tuple[Argument, ...]


class Answer(NamedTuple):
    """What a ledger says. Times in us of the store's clock; `wait`: see ledger.lua."""

    now: int
    calls: int
    born: int
    granted: int
    free: int
    wait: int
    owners: int
    known: int
    known_rest: int
    life: int


@cache
def load(*names: str) -> Script:
    """The script made of these files of lua/, in order."""
    folder = files(__package__) / "lua"
    return Script(names[-1], "\n".join((folder / f"{name}.lua").read_text(encoding="utf-8") for name in names))


def ledger(kind: str) -> Script:
    """The ledger of a kind of limit: rate, quota or slots."""
    return load("ledger", kind)


def bucket_key(bucket: int) -> bytes:
    """The key of a bucket's life. The hash tag keeps it in the slot of its counters."""
    return b"tidegate:{%d}" % bucket
