"""Idle connections and slow streams through a running proxy.

Memory is read for the whole process tree. Both scenarios are started on a fresh proxy that has answered WARM_UP
requests, so that what caches and pools take once is in the base line and not on the bill of a connection. The kernel
keeps socket buffers outside the memory of a process; they are not counted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from benchmarks import cpu, payloads
from benchmarks.errors import BenchmarkError
from benchmarks.load import slow_upstream
from benchmarks.load.client import Answer, Connection, open_many
from benchmarks.peers.peer import Running

CONNECTIONS = 1000
WARM_UP = 500
_SAMPLES = 8  # readings of memory while streams run; the highest counts
_ANSWER_S = 30.0  # for CONNECTIONS requests at once through one loaded worker
_STREAM_SLACK_S = 60.0
FIRST_WARM_UP = 50

STREAM_REQUEST = json.dumps({**json.loads(payloads.REQUEST), "stream": True}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Idle:
    """`count` idle connections, and what each of them takes, in bytes."""

    count: int
    bytes_per_connection: float


@dataclass(frozen=True)
class Streams:
    """`count` streams at a time: bytes each at the highest, seconds to the first byte, CPU of one event."""

    count: int
    events: int
    bytes_per_stream: float
    first_p50_s: float
    first_p99_s: float
    cpu_us_per_event: float


@dataclass(frozen=True)
class FirstToken:
    """Microseconds from the end of a request to the first byte of its stream: the median, and what a proxy adds to
    going straight to the upstream."""

    name: str
    median_us: float
    added_us: float


def _headers(proxy: Running) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in proxy.headers)


def _expect(answers: Sequence[Answer], body: bytes) -> None:
    wrong = [answer for answer in answers if answer.status != 200 or answer.body != body]
    if wrong:
        shown = wrong[0].body[:200].decode(errors="replace")
        raise BenchmarkError(f"{len(wrong)} of {len(answers)} answers are wrong; status {wrong[0].status}: {shown!r}")


async def _ask_all(connections: Sequence[Connection], proxy: Running) -> None:
    """One request on each connection, all at once; each must be answered rightly."""
    headers = _headers(proxy)
    async with asyncio.timeout(_ANSWER_S):
        answers = await asyncio.gather(
            *(connection.post(proxy.path, payloads.REQUEST, headers) for connection in connections)
        )
    _expect(answers, payloads.ANSWER)


async def _warm_up(proxy: Running) -> None:
    connections = await open_many(proxy.port, 10)
    for _ in range(WARM_UP // len(connections)):
        await _ask_all(connections, proxy)
    for connection in connections:
        connection.close()


async def idle(proxy: Running) -> Idle:
    """Open CONNECTIONS, use each once, let them rest, use each again. Raises BenchmarkError when one fails."""
    await _warm_up(proxy)
    before = cpu.resident(proxy.pid)
    connections = await open_many(proxy.port, CONNECTIONS)
    try:
        # In groups: a thousand requests in flight would bill their buffers to idle connections.
        for start in range(0, CONNECTIONS, 50):
            await _ask_all(connections[start : start + 50], proxy)
        taken = cpu.resident(proxy.pid) - before
        await _ask_all(connections, proxy)
    except TimeoutError:
        raise BenchmarkError(f"{CONNECTIONS} requests were not answered in {_ANSWER_S:.0f} s") from None
    finally:
        for connection in connections:
            connection.close()
    return Idle(CONNECTIONS, taken / CONNECTIONS)


async def first_tokens(ways: Sequence[tuple[str, Running]], rounds: int) -> list[FirstToken]:
    """One stream at a time by each way in turn, the first of which is the upstream itself. Raises BenchmarkError."""
    connections = [(await open_many(running.port, 1))[0] for _, running in ways]
    taken: list[list[float]] = [[] for _ in ways]
    try:
        for number in range(rounds + FIRST_WARM_UP):
            for place, (_, running) in enumerate(ways):
                answer = await connections[place].post(running.path, STREAM_REQUEST, _headers(running))
                _expect([answer], slow_upstream.whole(1))
                if number >= FIRST_WARM_UP:
                    taken[place].append(answer.first_s * 1e6)
    finally:
        for connection in connections:
            connection.close()
    straight = median(taken[0])
    return [FirstToken(name, median(own), median(own) - straight) for (name, _), own in zip(ways, taken, strict=True)]


async def _highest(root: int, length_s: float) -> int:
    """The most bytes resident in _SAMPLES readings over `length_s`."""
    most = 0
    for _ in range(_SAMPLES):
        await asyncio.sleep(length_s / _SAMPLES)
        most = max(most, cpu.resident(root))
    return most


async def streams(proxy: Running, events: int, interval_s: float) -> Streams:
    """CONNECTIONS streams of `events` events at a time, each checked byte for byte. Raises BenchmarkError."""
    await _warm_up(proxy)
    before, used = cpu.resident(proxy.pid), cpu.sample(proxy.pid)
    connections = await open_many(proxy.port, CONNECTIONS)
    headers = _headers(proxy)
    length_s = events * interval_s
    try:
        async with asyncio.timeout(length_s + _STREAM_SLACK_S):
            answers, highest = await asyncio.gather(
                asyncio.gather(*(connection.post(proxy.path, STREAM_REQUEST, headers) for connection in connections)),
                _highest(proxy.pid, length_s),
            )
    except TimeoutError:
        raise BenchmarkError(f"streams of {length_s:.0f} s had not ended {_STREAM_SLACK_S:.0f} s later") from None
    finally:
        for connection in connections:
            connection.close()
    spent = cpu.between(used, cpu.sample(proxy.pid))
    _expect(answers, slow_upstream.whole(events))
    percentiles = quantiles([answer.first_s for answer in answers], n=100)
    return Streams(
        count=CONNECTIONS,
        events=events,
        bytes_per_stream=(highest - before) / CONNECTIONS,
        first_p50_s=percentiles[49],
        first_p99_s=percentiles[98],
        cpu_us_per_event=spent / (CONNECTIONS * (events + 1)) / 1000,
    )
