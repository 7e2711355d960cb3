"""Slow clients by the thousand on one worker, and what honest ones feel of them.

Three kinds, as many of each: one sends its head a byte at a time, one its body, one sends requests and never reads an
answer. Who is cut off comes back. Beside them wrk's honest clients are served, first alone, then under attack.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import cpu, payloads, wrk
from benchmarks.peers.peer import Running

ATTACKERS = 1000
ROUNDS = 5
SECONDS = 2.0
# Until every attacker is connected and those who do not read have filled their buffers.
_SETTLE_S = 5.0
_EVERY_S = 0.5

_Kind = Callable[[Running, asyncio.StreamWriter], Coroutine[None, None, None]]


@dataclass(frozen=True)
class Attack:
    """99th percentiles of honest clients in microseconds, medians of the rounds; resident bytes of the process tree."""

    attackers: int
    alone_p99_us: float
    attacked_p99_us: float
    memory_before: int
    memory_during: int

    @property
    def ratio(self) -> float:
        """How much longer honest clients wait, at the 99th percentile."""
        return self.attacked_p99_us / self.alone_p99_us


def _head(proxy: Running, length: int) -> bytes:
    lines = [f"POST {proxy.path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *proxy.headers]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", ""]).encode()


async def _send_slowly(writer: asyncio.StreamWriter, data: bytes) -> None:
    for number in range(len(data)):
        writer.write(data[number : number + 1])
        await writer.drain()
        await asyncio.sleep(_EVERY_S)


async def _slow_head(proxy: Running, writer: asyncio.StreamWriter) -> None:
    await _send_slowly(writer, _head(proxy, len(payloads.REQUEST)))


async def _slow_body(proxy: Running, writer: asyncio.StreamWriter) -> None:
    writer.write(_head(proxy, len(payloads.REQUEST)))
    await _send_slowly(writer, payloads.REQUEST)


async def _no_reader(proxy: Running, writer: asyncio.StreamWriter) -> None:
    request = _head(proxy, len(payloads.REQUEST)) + payloads.REQUEST
    writer.write(request * 8)
    # Nobody reads: the transport is paused as soon as a byte has come.
    await asyncio.Event().wait()


async def _attack(proxy: Running, kind: _Kind, delay_s: float) -> None:
    # Each at its own time: all at once every half second would be another attack.
    await asyncio.sleep(delay_s)
    while True:
        with contextlib.suppress(OSError):
            # A limit of one byte: nothing of an answer is read, so the kernel's buffers fill.
            _, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=1)
            try:
                await kind(proxy, writer)
            finally:
                writer.transport.abort()
        await asyncio.sleep(_EVERY_S)


async def measure(proxy: Running, body: Path, core: int) -> Attack:
    """Honest clients alone, then beside ATTACKERS. Raises BenchmarkError when an honest one is not answered."""

    async def honest() -> float:
        found = []
        for _ in range(ROUNDS):
            load = await asyncio.to_thread(
                wrk.drive, proxy.port, proxy.path, body, list(proxy.headers), core=core, seconds=SECONDS
            )
            found.append(load.p99_us)
        return median(found)

    await honest()
    before, alone = cpu.resident(proxy.pid), await honest()
    kinds = (_slow_head, _slow_body, _no_reader)
    attackers = [
        asyncio.create_task(_attack(proxy, kinds[number % 3], _EVERY_S * number / ATTACKERS))
        for number in range(ATTACKERS)
    ]
    try:
        await asyncio.sleep(_SETTLE_S)
        attacked = await honest()
        during = cpu.resident(proxy.pid)
    finally:
        for attacker in attackers:
            attacker.cancel()
        await asyncio.gather(*attackers, return_exceptions=True)
    return Attack(ATTACKERS, alone, attacked, before, during)
