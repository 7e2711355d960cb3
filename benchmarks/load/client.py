"""A client that holds on to its connection: one socket, requests one after another, the answer byte for byte.

A pooled client would share sockets between requests, and then nobody knows how many connections the proxy carries.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError

_LIMIT = 1 << 18  # bytes that may wait unread on a connection


@dataclass(frozen=True)
class Answer:
    """Status, body, and the seconds from the end of the request to the first byte of the body."""

    status: int
    body: bytes
    first_s: float


class Connection:
    """One HTTP/1.1 connection to 127.0.0.1. Errors of the other side raise BenchmarkError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int, source: str | None = None) -> Connection:
        """A new connection, from another loopback address if one is named. Raises BenchmarkError when it is refused."""
        address = (source, 0) if source is not None else None
        try:
            return cls(*await asyncio.open_connection("127.0.0.1", port, limit=_LIMIT, local_addr=address))
        except OSError as error:
            raise BenchmarkError(f"a connection was refused: {error}") from error

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send one JSON POST and read its whole answer."""
        head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
        head += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
        try:
            await self._writer.drain()
            started = time.monotonic()
            return await self._read(started)
        except (OSError, EOFError, ValueError, IndexError) as error:
            raise BenchmarkError(f"a connection broke: {error!r}") from error

    async def _read(self, started: float) -> Answer:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip().lower()
        status = int(lines[0].split()[1])
        first = 0.0
        pieces = []
        if b"content-length" in fields:
            left = int(fields[b"content-length"])
            while left:
                piece = await self._reader.read(left)
                if not piece:
                    raise EOFError("the answer is short")
                first = first or time.monotonic() - started
                pieces.append(piece)
                left -= len(piece)
        elif fields.get(b"transfer-encoding") == b"chunked":
            while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
                piece = await self._reader.readexactly(size + 2)
                first = first or time.monotonic() - started
                pieces.append(piece[:-2])
            await self._reader.readuntil(b"\r\n")
        else:
            raise ValueError("an answer without length or chunks")
        return Answer(status, b"".join(pieces), first)

    def close(self) -> None:
        """Close it; what has not been read is dropped."""
        self._writer.close()


async def open_many(port: int, count: int, at_once: int = 100) -> list[Connection]:
    """`count` connections, opened `at_once` at a time. Raises BenchmarkError when one is refused."""
    opened: list[Connection] = []
    while len(opened) < count:
        wanted = min(at_once, count - len(opened))
        opened += await asyncio.gather(*(Connection.open(port) for _ in range(wanted)))
    return opened
