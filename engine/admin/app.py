"""The admin application: health, readiness and metrics, on a listener of its own.

    GET /healthz   200 while the supervisor lives
    GET /readyz    200 when every worker serves and the audit log can be written, otherwise 503 with the reasons;
                   `warnings` name what is in order but not as the policy says, such as controls that are not enforced
    GET /metrics   Prometheus text

Rules. It knows nothing of processes: what it shows comes through `Gateway`. It has no credentials of its own yet, so
that it listens on the loopback address by default, and it only tells, never changes. Errors are problem+json (RFC
9457). Answers are never stored by caches.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol

import orjson
from aiohttp import web

from engine.telemetry.exposition import CONTENT_TYPE

# No request here has a body; what comes with one is refused above this many bytes.
MAX_BODY: Final = 1024

_NO_STORE: Final = {"Cache-Control": "no-store"}


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


def build(gateway: Gateway) -> web.Application:
    """The application over a gateway, to be run by the caller."""
    application = web.Application(client_max_size=MAX_BODY, middlewares=[_problems])
    application[_GATEWAY] = gateway
    application.router.add_get("/healthz", _healthz)
    application.router.add_get("/readyz", _readyz)
    application.router.add_get("/metrics", _metrics)
    return application


async def _healthz(request: web.Request) -> web.Response:
    return _json(HTTPStatus.OK, {"status": "alive"})


async def _readyz(request: web.Request) -> web.Response:
    state = request.app[_GATEWAY].readiness()
    fields: dict[str, object] = {
        "workers": state.workers,
        "workers_ready": state.workers_ready,
        "warnings": state.warnings,
    }
    if state.reasons:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, "; ".join(state.reasons), reasons=state.reasons, **fields)
    return _json(HTTPStatus.OK, {"status": "ready", **fields})


async def _metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[_GATEWAY].metrics(), headers={"Content-Type": CONTENT_TYPE, **_NO_STORE})


def problem(status: HTTPStatus, detail: str, **fields: object) -> web.Response:
    """An error as problem+json; `fields` are extension members (RFC 9457, section 3.2)."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **fields}
    return _json(status, body, "application/problem+json")


def _json(status: HTTPStatus, body: dict[str, object], media: str = "application/json") -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type=media, headers=_NO_STORE)


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
