"""What good credentials feel of a flood of bad ones: the 99th percentile with it beside that without, in one run.

Good requests come at a fixed rate over a few connections, each answer timed from when its request was due, so that a
gateway that stalls is billed for all that wait (no coordinated omission). The flood comes from another address, over
many connections, each with its next bad credential as soon as the last is answered.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import quantiles

from benchmarks import payloads
from benchmarks.errors import BenchmarkError
from benchmarks.load.client import Connection
from benchmarks.stats import within_rounds

RATE = 200  # good requests a second
GOOD_CONNECTIONS = 8
BAD_CONNECTIONS = 64
FLOODER = "127.0.0.2"

Bad = Callable[[], str]


@dataclass(frozen=True)
class Flood:
    """Seconds: 50th and 99th percentile alone and under the flood, by round; refusals a second in it."""

    name: str
    alone_p50: list[float]
    alone_p99: list[float]
    under_p50: list[float]
    under_p99: list[float]
    refused: list[float]

    @property
    def ratio(self) -> float:
        """Of the 99th percentiles, the median over the rounds."""
        found = within_rounds(lambda under, alone: under / alone, self.under_p99, self.alone_p99)
        assert found is not None
        return found.median


def bad_key() -> str:
    """An API key in form, and no key."""
    return f"tg_{secrets.token_hex(6)}_{secrets.token_hex(20)}"


async def _good(port: int, key: str, seconds: float) -> list[float]:
    headers = {"Authorization": f"Bearer {key}"}
    connections = [await Connection.open(port) for _ in range(GOOD_CONNECTIONS)]
    taken: list[float] = []
    began = time.monotonic()

    async def one(place: int, connection: Connection) -> None:
        for number in range(place, int(RATE * seconds), GOOD_CONNECTIONS):
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            answer = await connection.post(payloads.PATH, payloads.REQUEST, headers)
            taken.append(time.monotonic() - due)
            if answer.status != 200:
                raise BenchmarkError(f"a good key was refused with {answer.status}")

    try:
        await asyncio.gather(*(one(place, connection) for place, connection in enumerate(connections)))
    finally:
        for connection in connections:
            connection.close()
    return taken


class _Flooding:
    """The flood, while it is entered; `refused` counts."""

    def __init__(self, port: int, bad: Iterator[str]) -> None:
        self.refused = 0
        self._port = port
        self._bad = bad
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> _Flooding:
        self._tasks = [asyncio.create_task(self._run()) for _ in range(BAD_CONNECTIONS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _run(self) -> None:
        while True:
            connection = await Connection.open(self._port, FLOODER)
            try:
                while True:
                    headers = {"Authorization": f"Bearer {next(self._bad)}"}
                    answer = await connection.post(payloads.PATH, payloads.REQUEST, headers)
                    if answer.status not in (401, 429):
                        raise BenchmarkError(f"a bad credential was answered with {answer.status}")
                    self.refused += 1
            finally:
                connection.close()


async def measure(name: str, port: int, key: str, bad: Bad, *, rounds: int, seconds: float) -> Flood:
    """Rounds of `seconds` without and as many with the flood, by turns. Raises BenchmarkError."""
    made = Flood(name, [], [], [], [], [])
    await _good(port, key, 1.0)
    tokens = iter(bad, "")
    for _ in range(rounds):
        alone = quantiles(await _good(port, key, seconds), n=100)
        async with _Flooding(port, tokens) as flood:
            # The ban, and what comes before it, is not what is measured.
            await asyncio.sleep(0.5)
            before, began = flood.refused, time.monotonic()
            under = quantiles(await _good(port, key, seconds), n=100)
            made.refused.append((flood.refused - before) / (time.monotonic() - began))
        made.alone_p50.append(alone[49])
        made.alone_p99.append(alone[98])
        made.under_p50.append(under[49])
        made.under_p99.append(under[98])
    return made
