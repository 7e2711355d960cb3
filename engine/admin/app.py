"""The admin application: health, readiness and metrics, on a listener of its own.

    GET /healthz   200 while the supervisor lives
    GET /readyz    200 when every worker serves and the audit log can be written, otherwise 503 with the reasons;
                   `warnings` name what is in order but not as the policy says, such as controls that are not enforced
    GET /metrics   Prometheus text
    /keys, ...     keys and bans, for who has an admin's token: see engine.admin.keys

Rules. It knows nothing of processes: what it shows comes through `Gateway`. Health and metrics need no credential, so
that it listens on the loopback address by default.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web

from engine.admin.answers import NO_STORE, json, problem
from engine.admin.keys import KeyAdmin
from engine.telemetry.exposition import CONTENT_TYPE

# A key with its scope is the longest that is asked for here; what is longer is refused.
MAX_BODY: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of the gateway at a moment: ready when there are no `reasons` against it."""

    workers: int
    workers_ready: int
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Gateway(Protocol):
    """What the admin application is told by."""

    def readiness(self) -> Readiness:
        """The state now."""

    def metrics(self) -> bytes:
        """Every series as Prometheus text."""


_GATEWAY: Final = web.AppKey("gateway", Gateway)


def build(gateway: Gateway, keys: KeyAdmin | None = None) -> web.Application:
    """The application over a gateway, to be run by the caller. Without `keys` it only tells, never changes."""
    application = web.Application(client_max_size=MAX_BODY, middlewares=[_problems])
    application[_GATEWAY] = gateway
    application.router.add_get("/healthz", _healthz)
    application.router.add_get("/readyz", _readyz)
    application.router.add_get("/metrics", _metrics)
    if keys is not None:
        keys.add_routes(application.router)
    return application


async def _healthz(request: web.Request) -> web.Response:
    return json(HTTPStatus.OK, {"status": "alive"})


async def _readyz(request: web.Request) -> web.Response:
    state = request.app[_GATEWAY].readiness()
    fields: dict[str, object] = {
        "workers": state.workers,
        "workers_ready": state.workers_ready,
        "warnings": state.warnings,
    }
    if state.reasons:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(state.reasons), reasons=state.reasons, **fields)
    return json(HTTPStatus.OK, {"status": "ready", **fields})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[_GATEWAY].metrics(), headers={"Content-Type": CONTENT_TYPE, **NO_STORE})


@web.middleware
async def _problems(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn aiohttp's own errors into problem+json; their headers (Allow) stay."""
    try:
        return await handler(request)
    except web.HTTPError as error:
        answer = problem(HTTPStatus(error.status), error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
