"""Refusals and their bodies: one vocabulary of errors, written in the client's dialect.

A `Refusal` is raised by a phase and ends the request. It carries a `Kind` (status and names), a sentence for a person
and, where there is one, the place in the request that was at fault. `render` turns it into the body that the client's
SDK understands, so that the SDK raises the exception its user expects:

- ``openai``     ``{"error": {"message", "type", "param", "code"}}``
- ``anthropic``  ``{"type": "error", "error": {"type", "message"}, "request_id"}``
- ``generic``    ``application/problem+json`` (RFC 9457)

Messages never repeat a credential, an upstream address or text of an answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import orjson

if TYPE_CHECKING:
    import asyncio

Dialect = Literal["openai", "anthropic", "generic"]


class Kind(NamedTuple):
    """What went wrong, named once for all dialects.

    `code` is the name used in OpenAI's ``code``, in the audit line and in metrics; `openai` and `anthropic` are the
    ``type`` fields of those dialects; `retry` tells SDKs by ``x-should-retry`` whether a retry can help.
    """

    code: str
    status: int
    openai: str
    anthropic: str
    title: str
    retry: bool = False


BAD_REQUEST = Kind("invalid_request", 400, "invalid_request_error", "invalid_request_error", "Bad Request")
UNAUTHENTICATED = Kind("invalid_api_key", 401, "authentication_error", "authentication_error", "Unauthorized")
REVOKED = Kind("credential_revoked", 401, "authentication_error", "authentication_error", "Unauthorized")
FORBIDDEN = Kind("permission_denied", 403, "permission_error", "permission_error", "Forbidden")
ADDRESS_DENIED = Kind("address_denied", 403, "permission_error", "permission_error", "Forbidden")
ANSWER_BLOCKED = Kind("answer_blocked", 403, "permission_error", "permission_error", "Answer Blocked")
NOT_FOUND = Kind("unknown_route", 404, "invalid_request_error", "not_found_error", "Not Found")
MODEL_NOT_FOUND = Kind("model_not_found", 404, "invalid_request_error", "not_found_error", "Model Not Found")
METHOD_NOT_ALLOWED = Kind(
    "method_not_allowed", 405, "invalid_request_error", "invalid_request_error", "Method Not Allowed"
)
REQUEST_TIMEOUT = Kind("request_timeout", 408, "invalid_request_error", "invalid_request_error", "Request Timeout")
TOO_LARGE = Kind("request_too_large", 413, "invalid_request_error", "request_too_large", "Content Too Large")
UNSUPPORTED_MEDIA = Kind(
    "unsupported_media_type", 415, "invalid_request_error", "invalid_request_error", "Unsupported Media Type"
)
EXPECTATION_FAILED = Kind(
    "expectation_failed", 417, "invalid_request_error", "invalid_request_error", "Expectation Failed"
)
HEADERS_TOO_LARGE = Kind(
    "headers_too_large", 431, "invalid_request_error", "invalid_request_error", "Request Header Fields Too Large"
)
RATE_LIMITED = Kind("rate_limit_exceeded", 429, "rate_limit_error", "rate_limit_error", "Too Many Requests", retry=True)
EXCEEDS_LIMIT = Kind(
    "request_exceeds_limit", 400, "invalid_request_error", "invalid_request_error", "Request Exceeds Limit"
)
BANNED = Kind("too_many_failures", 429, "rate_limit_error", "rate_limit_error", "Too Many Failed Credentials")
INTERNAL = Kind("internal_error", 500, "server_error", "api_error", "Internal Server Error")
UPSTREAM_BROKEN = Kind("upstream_broken", 502, "server_error", "api_error", "Bad Gateway", retry=True)
UNAVAILABLE = Kind("unavailable", 503, "server_error", "overloaded_error", "Service Unavailable", retry=True)
UPSTREAM_TIMEOUT = Kind("upstream_timeout", 504, "server_error", "timeout_error", "Gateway Timeout", retry=True)
CLIENT_GONE = Kind("client_gone", 499, "invalid_request_error", "invalid_request_error", "Client Closed Request")


_UPSTREAM_ERRORS = {
    kind.status: kind for kind in (BAD_REQUEST, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, TOO_LARGE, RATE_LIMITED)
}


def upstream_error(status: int) -> Kind:
    """The kind of an upstream's own error (4xx, 5xx) that the client is not shown."""
    like = _UPSTREAM_ERRORS.get(status, INTERNAL if status >= 500 else BAD_REQUEST)
    return Kind("upstream_error", status, like.openai, like.anthropic, like.title, status >= 500 or status == 429)


class Refusal(Exception):
    """A request, or its answer, that goes no further.

    `param` is the place in the request (``messages[3].role``), `retry_after` is in whole seconds, `headers` are
    added to the answer as they are, `control` names the control or limit that said no, for the audit line. `ahead` is
    what of a stream still leaves before it ends.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        control: str | None = None,
        ahead: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.retry_after = retry_after
        self.headers = headers
        self.control = control
        self.ahead = ahead


class Pending(Exception):
    """A phase cannot decide before something from the network is there. It has changed nothing.

    `ready` is done when it can be called again, however that ended; it is shared by all who wait for the same thing, so
    that nobody cancels it.
    """

    def __init__(self, ready: asyncio.Future[None]) -> None:
        super().__init__("not decided yet")
        self.ready = ready


CONTENT_TYPES: dict[Dialect, bytes] = {
    "openai": b"application/json",
    "anthropic": b"application/json",
    "generic": b"application/problem+json",
}


def error_object(refusal: Refusal, dialect: Dialect, request_id: str) -> dict[str, object]:
    """The error as the dialect's JSON object; also the data of an error event in a stream."""
    kind = refusal.kind
    if dialect == "openai":
        return {
            "error": {
                "message": refusal.message,
                "type": kind.openai,
                "param": refusal.param,
                "code": kind.code,
            }
        }
    if dialect == "anthropic":
        message = f"{refusal.param}: {refusal.message}" if refusal.param else refusal.message
        return {
            "type": "error",
            "error": {"type": kind.anthropic, "message": message},
            "request_id": request_id,
        }
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": kind.title,
        "status": kind.status,
        "detail": refusal.message,
        "code": kind.code,
        "instance": f"urn:tidegate:request:{request_id}",
    }
    if refusal.param is not None:
        problem["param"] = refusal.param
    return problem


def render(refusal: Refusal, dialect: Dialect, request_id: str) -> bytes:
    """The body of the answer, as UTF-8 JSON. Unpaired surrogates in a message are replaced, never raised."""
    return orjson.dumps(_encodable(error_object(refusal, dialect, request_id)))


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: _encodable(item) for key, item in value.items()}
    return value
