"""One plain HTTP/1.1 request from the harness itself: readiness, the check of an answer, counters of the upstream."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Answer:
    """Status and whole body."""

    status: int
    body: bytes


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer | None:
    """The answer of 127.0.0.1:`port`, or None when there is none (refused, reset, timed out, not HTTP)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body, dict(headers or {}))
        response = connection.getresponse()
        return Answer(response.status, response.read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
