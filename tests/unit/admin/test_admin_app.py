"""The admin application over a stand-in gateway, on a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest
from aiohttp import ClientSession, web

from engine.admin.app import Readiness, build


class Stated:
    """A gateway in a given state."""

    def __init__(self, state: Readiness) -> None:
        self.state = state

    def readiness(self) -> Readiness:
        return self.state

    def metrics(self) -> bytes:
        return b"tidegate_workers_ready 2\n"


def ask(path: str, state: Readiness, method: str = "GET") -> tuple[int, Mapping[str, str], bytes]:
    async def answer() -> tuple[int, Mapping[str, str], bytes]:
        runner = web.AppRunner(build(Stated(state)), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        async with ClientSession() as client, client.request(method, f"http://{host}:{port}{path}") as response:
            result = response.status, response.headers.copy(), await response.read()
        await runner.cleanup()
        return result

    return asyncio.run(answer())


READY = Readiness(workers=2, workers_ready=2)


def test_alive_whatever_the_state() -> None:
    for state in (READY, Readiness(2, 0, ("ending",))):
        status, headers, body = ask("/healthz", state)
        assert (status, body) == (200, b'{"status":"alive"}')
        assert headers["Content-Type"] == "application/json"
        assert headers["Cache-Control"] == "no-store"


def test_ready_with_warnings() -> None:
    status, _, body = ask("/readyz", Readiness(2, 2, warnings=("not enforced: jwt",)))
    assert status == 200
    assert json.loads(body) == {
        "status": "ready",
        "workers": 2,
        "workers_ready": 2,
        "warnings": ["not enforced: jwt"],
    }


def test_not_ready_names_every_reason() -> None:
    status, headers, body = ask("/readyz", Readiness(2, 1, ("1 of 2 workers serve", "no audit"), ("w",)))
    assert status == 503
    assert headers["Content-Type"] == "application/problem+json"
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "1 of 2 workers serve; no audit",
        "reasons": ["1 of 2 workers serve", "no audit"],
        "workers": 2,
        "workers_ready": 1,
        "warnings": ["w"],
    }


def test_metrics_are_prometheus_text() -> None:
    status, headers, body = ask("/metrics", READY)
    assert (status, body) == (200, b"tidegate_workers_ready 2\n")
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [("GET", "/nothing", 404, None), ("POST", "/metrics", 405, "GET,HEAD"), ("DELETE", "/readyz", 405, "GET,HEAD")],
)
def test_errors_are_problem_json(method: str, path: str, status: int, allow: str | None) -> None:
    answered, headers, body = ask(path, READY, method)
    assert answered == status
    assert headers["Content-Type"] == "application/problem+json"
    assert headers.get("Allow") == allow
    assert json.loads(body)["status"] == status
