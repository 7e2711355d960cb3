"""Answers of the admin application: JSON, and errors as problem+json (RFC 9457). Caches never store them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import orjson
from aiohttp import web

NO_STORE: Final = {"Cache-Control": "no-store"}


def json(status: HTTPStatus, body: Mapping[str, object], media: str = "application/json") -> web.Response:
    """A JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, content_type=media, headers=NO_STORE)


def problem(status: HTTPStatus, detail: str, **fields: object) -> web.Response:
    """An error as problem+json; `fields` are extension members (RFC 9457, section 3.2)."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, **fields}
    return json(status, body, "application/problem+json")
