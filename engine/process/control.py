"""What supervisor and worker say to each other.

Concept. A pair of connected sockets; each message is one JSON object on one line, typed by its `type`. The supervisor
opens with `Start`. The end of the stream means that the other side is gone: a worker then drains and ends.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.settings import Settings

# A policy with its rules travels in one message.
LONGEST_MESSAGE: Final = 64 * 1024 * 1024


class PolicyText(msgspec.Struct, frozen=True):
    """A policy as it was read. `source` names it in errors; `revision` counts the policies of this supervisor."""

    revision: int
    text: str
    source: str


class Start(msgspec.Struct, frozen=True, tag="start"):
    """All that a worker needs. The descriptors are inherited; `place` is its index, `stripe` its part of the board."""

    settings: Settings
    place: int
    stripe: int
    policy: PolicyText
    listener_fd: int
    ring_fd: int
    board_fd: int


class Load(msgspec.Struct, frozen=True, tag="load"):
    """Replace the policy. Answered by Loaded or Refused."""

    policy: PolicyText


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Stop listening, let running answers end for up to `grace_s` seconds, end."""

    grace_s: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The worker serves, with this policy."""

    revision: int


class Beat(msgspec.Struct, frozen=True, tag="beat"):
    """Once a second: the worker's loop turns."""

    connections: int


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The policy is in force in this worker."""

    revision: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The policy was not loaded; the one before stays in force."""

    revision: int
    reason: str


class Draining(msgspec.Struct, frozen=True, tag="draining"):
    """The worker was told to end by a signal of its own and no longer accepts connections."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The worker cannot start and ends. `policy` says that the policy is what is wrong."""

    reason: str
    policy: bool


ToWorker = Start | Load | Drain
FromWorker = Ready | Beat | Loaded | Refused | Draining | Failed


def _plain(value: Any) -> str:
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in a message")


def _typed(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise NotImplementedError(f"{kind.__name__} has no place in a message")


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)
_to_worker: Final = msgspec.json.Decoder(ToWorker, dec_hook=_typed)
_from_worker: Final = msgspec.json.Decoder(FromWorker)


def encode(message: ToWorker | FromWorker) -> bytes:
    """The message as one line."""
    return _encoder.encode(message) + b"\n"


async def read_to_worker(reader: asyncio.StreamReader) -> ToWorker | None:
    """The next message for a worker; None at the end of the stream. Raises msgspec.DecodeError."""
    line = await _line(reader)
    return _to_worker.decode(line) if line else None


async def read_from_worker(reader: asyncio.StreamReader) -> FromWorker | None:
    """The next message from a worker; None at the end of the stream. Raises msgspec.DecodeError."""
    line = await _line(reader)
    return _from_worker.decode(line) if line else None


async def _line(reader: asyncio.StreamReader) -> bytes:
    """A whole line, or b"" at the end; half a line is what a killed peer leaves."""
    try:
        return await reader.readuntil(b"\n")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return b""
