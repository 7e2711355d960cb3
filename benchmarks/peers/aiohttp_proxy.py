"""An ordinary proxy of aiohttp's own parts: a server, one ClientSession, no control of any kind.

As a module it is the peer; as a program it is the proxy: `python -m benchmarks.peers.aiohttp_proxy PORT UPSTREAM_PORT`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from benchmarks.peers.peer import CommandPeer
from benchmarks.upstream import Upstream

# RFC 9110 section 7.6.1, and the two that the other side computes anew.
_HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
) | {"host", "content-length"}

_SESSION: web.AppKey[aiohttp.ClientSession] = web.AppKey("session", aiohttp.ClientSession)


class AiohttpProxy(CommandPeer):
    """aiohttp server + ClientSession in one process."""

    name = "aiohttp"
    what = "an ordinary aiohttp server + ClientSession, no control"

    def configure(self, upstream: Upstream) -> list[str]:
        return [sys.executable, "-m", "benchmarks.peers.aiohttp_proxy", str(self.port), str(upstream.port)]


def application(upstream: str) -> web.Application:
    """A proxy to `upstream` (scheme and authority, no path)."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(auto_decompress=False) as client:
            app[_SESSION] = client
            yield

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = await request.read()
        async with request.app[_SESSION].request(
            request.method, upstream + request.path_qs, data=body, headers=headers
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    return app


def main() -> None:
    port, upstream = (int(argument) for argument in sys.argv[1:3])
    web.run_app(application(f"http://127.0.0.1:{upstream}"), host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    main()
