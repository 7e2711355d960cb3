"""WebSocket (RFC 6455) between a client and an upstream: message by message, once the pipeline has let it through.

Messages are not read, so a role whose answers are to be redacted gets none of this (see `settle_permit`). One message
is bounded, towards the upstream like a body, towards the client like an answer. Either side's end ends the other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from engine.errors import BAD_REQUEST, UPSTREAM_BROKEN, UPSTREAM_TIMEOUT, Refusal
from engine.pipeline.forward import FORWARDED

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from engine.pipeline.context import RequestContext
    from engine.policy.snapshot import Permit
    from engine.proxy.lane import Lane

# A peer that answers no ping for this long is gone, in seconds.
_HEARTBEAT_S = 30.0

_Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def relay(lane: Lane, ctx: RequestContext, permit: Permit, request: web.BaseRequest) -> web.StreamResponse:
    """Serves one WebSocket to its end. Raises Refusal before the client is answered."""
    client = web.WebSocketResponse(max_msg_size=ctx.snapshot.max_body, heartbeat=_HEARTBEAT_S, compress=False)
    if not client.can_prepare(request):
        raise Refusal(BAD_REQUEST, "This endpoint is a WebSocket.", headers=(("upgrade", "websocket"),))
    upstream, endpoint = permit.target.upstream, ctx.endpoint
    assert endpoint is not None
    assert ctx.model is not None
    path = (upstream.path_prefix + endpoint.upstream_path).decode("ascii")
    url = f"{upstream.scheme}://{upstream.authority.decode()}{path}"
    headers = {name.decode(): ctx.headers[name].decode("latin-1") for name in FORWARDED if name in ctx.headers}
    if upstream.api_key:
        headers["authorization"] = f"Bearer {upstream.api_key}"
    running = _Running(ctx)
    # Before the first wait: a credential that is revoked while the upstream connects ends this one too.
    lane.sockets.add(running)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            connecting = session.ws_connect(
                url,
                params={"model": ctx.model},
                headers=headers,
                ssl=lane.pools.context(upstream) or True,
                max_msg_size=lane.max_answer,
                heartbeat=_HEARTBEAT_S,
                compress=0,
            )
            server = await _unless_ended(running, connecting, upstream.connect_timeout + upstream.first_byte_timeout)
            async with server:
                for line in lane.pipeline.headers(ctx, b"").split(b"\r\n"):
                    name, _, value = line.partition(b": ")
                    if value and name != b"content-type":
                        client.headers[name.decode("latin-1")] = value.decode("latin-1")
                await client.prepare(request)
                await _carry(lane, ctx, client, server, running)
    finally:
        lane.sockets.discard(running)
        running.ended.cancel()
    return client


async def _unless_ended(
    running: _Running, connecting: Awaitable[aiohttp.ClientWebSocketResponse], timeout_s: float
) -> aiohttp.ClientWebSocketResponse:
    """The upstream's socket. Raises Refusal where there is none, or where it has been ended from outside meanwhile."""
    task = asyncio.ensure_future(connecting)
    try:
        await asyncio.wait((task, running.ended), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if running.ended.done():
            raise running.ended.result()
        if not task.done():
            raise Refusal(UPSTREAM_TIMEOUT, "The upstream did not answer in time.")
        return task.result()
    except (TimeoutError, aiohttp.ClientError):
        raise Refusal(UPSTREAM_BROKEN, "The upstream did not open the WebSocket.") from None
    finally:
        task.cancel()


async def _carry(
    lane: Lane,
    ctx: RequestContext,
    client: web.WebSocketResponse,
    server: aiohttp.ClientWebSocketResponse,
    running: _Running,
) -> None:
    """Carries messages both ways until one side ends, or it is ended from outside."""
    up, down = (asyncio.create_task(_pump(client, server)), asyncio.create_task(_pump(server, client, running)))
    try:
        any_end: list[asyncio.Future[Any]] = [up, down, running.ended]
        await asyncio.wait(any_end, return_when=asyncio.FIRST_COMPLETED)
        await _stop(up, down)
        if running.ended.done():
            refusal = running.ended.result()
            ctx.reason = refusal.kind.code
            # Who waits for messages would take the close for theirs: it comes when nobody does.
            await client.close(code=aiohttp.WSCloseCode.POLICY_VIOLATION, message=refusal.message.encode())
    finally:
        await _stop(up, down)
        lane.pipeline.close(ctx, 101, True, running.sent)


async def _stop(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _Running:
    """A socket that is under way: whose it is, and how it is ended from outside."""

    def __init__(self, ctx: RequestContext) -> None:
        self.principal = ctx.principal
        # Bytes of messages that the client was sent.
        self.sent = 0
        self.ended: asyncio.Future[Refusal] = asyncio.get_running_loop().create_future()

    def end(self, refusal: Refusal) -> None:
        if not self.ended.done():
            self.ended.set_result(refusal)


async def _pump(source: _Socket, sink: _Socket, counted: _Running | None = None) -> None:
    """Carries messages until the source ends, then closes the sink with its code."""
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await sink.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await sink.send_bytes(message.data)
        else:
            break
        if counted is not None:
            counted.sent += len(message.data)
    await sink.close(code=source.close_code or aiohttp.WSCloseCode.GOING_AWAY)
