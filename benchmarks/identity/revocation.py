"""Seconds from a revocation to its effect: on the host where it is made and on another, for requests and for streams.

Two gateways share one Valkey. Each serves a load with a key of its own all the while. For every trial a key is made,
used on both hosts, by a stream and by requests one after another, and revoked by the admin interface of the first. What
is measured begins when that call is sent and ends when the client has the refusal, or the end of its stream, in hand.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import payloads
from benchmarks.errors import BenchmarkError
from benchmarks.load.client import Connection
from benchmarks.load.scenarios import STREAM_REQUEST
from benchmarks.peers.tidegate import Gateway

ADMIN_TOKEN = "the-admin-token-of-the-benchmark"
LOAD_CONNECTIONS = 4
_PAUSE_S = 0.005  # between two requests of one connection of the load
_TRIAL_S = 20.0
_ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass(frozen=True)
class Delays:
    """Seconds, one a trial."""

    request_here: list[float]
    request_there: list[float]
    stream_here: list[float]
    stream_there: list[float]


class Load:
    """Requests with a good key on one host, until it is stopped; all must be answered."""

    def __init__(self, port: int, key: str) -> None:
        self.answered = 0
        self._port = port
        self._headers = {"Authorization": f"Bearer {key}"}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Load:
        self._tasks = [asyncio.create_task(self._run()) for _ in range(LOAD_CONNECTIONS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        for result in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result

    async def _run(self) -> None:
        connection = await Connection.open(self._port)
        try:
            while True:
                answer = await connection.post(payloads.PATH, payloads.REQUEST, self._headers)
                if answer.status != 200:
                    raise BenchmarkError(f"a good key was refused with {answer.status}")
                self.answered += 1
                await asyncio.sleep(_PAUSE_S)
        finally:
            connection.close()


async def _admin(gateway: Gateway, path: str, body: dict[str, object] | None = None) -> bytes:
    connection = await Connection.open(gateway.admin_port)
    try:
        answer = await connection.post(path, json.dumps(body or {}).encode(), _ADMIN)
    finally:
        connection.close()
    if answer.status not in (200, 201):
        raise BenchmarkError(f"the admin interface answered {answer.status} to {path}: {answer.body[:200]!r}")
    return answer.body


async def _status(port: int, headers: dict[str, str]) -> int:
    connection = await Connection.open(port)
    try:
        return (await connection.post(payloads.PATH, payloads.REQUEST, headers)).status
    finally:
        connection.close()


async def _until(port: int, headers: dict[str, str], status: int) -> float:
    """When the first answer with `status` was there (time.monotonic)."""
    while await _status(port, headers) != status:
        pass
    return time.monotonic()


async def _stream(connection: Connection, headers: dict[str, str]) -> float:
    """When the stream ended, which it must not do by itself."""
    answer = await connection.post(payloads.PATH, STREAM_REQUEST, headers)
    ended = time.monotonic()
    if answer.status != 200 or b"[DONE]" in answer.body or b"error" not in answer.body:
        raise BenchmarkError(f"a stream did not end as that of a revoked key: {answer.status} {answer.body[-200:]!r}")
    return ended


async def _trial(here: Gateway, there: Gateway) -> tuple[float, float, float, float]:
    made = json.loads(await _admin(here, "/keys", {"subject": "bench", "roles": ["bench"]}))
    headers = {"Authorization": f"Bearer {made['key']}"}
    for gateway in (here, there):
        await _until(gateway.port, headers, 200)
    connections = [await Connection.open(gateway.port) for gateway in (here, there)]
    try:
        running = [asyncio.create_task(_stream(connection, headers)) for connection in connections]
        asked = [asyncio.create_task(_until(gateway.port, headers, 401)) for gateway in (here, there)]
        # The streams are under way when some requests behind them were answered.
        for gateway in (here, there):
            await _status(gateway.port, headers)
        began = time.monotonic()
        await _admin(here, f"/keys/{made['id']}/revoke")
        ends = await asyncio.gather(*asked, *running)
    finally:
        for connection in connections:
            connection.close()
    first, second, third, fourth = (end - began for end in ends)
    return first, second, third, fourth


async def measure(here: Gateway, there: Gateway, keys: Sequence[str], trials: int) -> tuple[Delays, int]:
    """The delays, and how many requests the load had answered meanwhile. Raises BenchmarkError."""
    rows = []
    async with Load(here.port, keys[0]) as one, Load(there.port, keys[1]) as two:
        for _ in range(trials):
            try:
                async with asyncio.timeout(_TRIAL_S):
                    rows.append(await _trial(here, there))
            except TimeoutError:
                raise BenchmarkError(f"a revocation had no effect in {_TRIAL_S:.0f} s") from None
    return Delays(*(list(column) for column in zip(*rows, strict=True))), one.answered + two.answered
