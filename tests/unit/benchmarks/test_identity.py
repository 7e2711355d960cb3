"""The bad credentials of the flood are as good as bad ones can be, and a stall is billed to all that wait."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp import web

from benchmarks import payloads
from benchmarks.errors import BenchmarkError
from benchmarks.identity import flood
from benchmarks.identity.tokens import forged, write_keys
from engine.identity.errors import InvalidToken
from engine.identity.jwks import UnknownKey, parse_keys
from engine.identity.jws import read
from engine.identity.keys import parse


def test_bad_credentials_get_as_far_as_they_can(tmp_path: Path) -> None:
    assert parse(flood.bad_key().encode()) is not None
    write_keys(tmp_path / "jwks.json")
    keys = parse_keys((tmp_path / "jwks.json").read_bytes(), frozenset(("RS256",)))
    make = forged("https://idp.example.com", "bench")
    assert make() != make()
    token = read(make().encode())
    assert token.claims["iss"] == "https://idp.example.com"
    with pytest.raises(InvalidToken) as error:
        keys.verify(token)
    assert not isinstance(error.value, UnknownKey)


async def _served(status: int, stall_s: float) -> list[float]:
    """What the good requests say of an upstream that stalls once, with all that wait behind it."""
    ends: list[float] = []

    async def answer(request: web.Request) -> web.Response:
        if not ends:
            ends.append(time.monotonic() + stall_s)
        await request.read()
        await asyncio.sleep(max(0.0, ends[0] - time.monotonic()))
        return web.Response(status=status, body=payloads.ANSWER)

    app = web.Application()
    app.router.add_post(payloads.PATH, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return await flood._good(runner.addresses[0][1], "key", 0.2)
    finally:
        await runner.cleanup()


def test_a_stall_is_billed_to_all_that_were_due_in_it() -> None:
    taken = asyncio.run(_served(200, 0.3))
    assert len(taken) == int(flood.RATE * 0.2)
    # The last was due 0.2 s after the first, which was not answered for 0.3 s.
    assert min(taken) >= 0.09


def test_a_refused_good_request_fails_the_run() -> None:
    with pytest.raises(BenchmarkError, match="429"):
        asyncio.run(_served(429, 0.0))
