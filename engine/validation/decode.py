"""From the body of a request to a typed request, or to a refusal that names the place.

The order matters. First the bound on the size; then the guard, so that nothing below ever sees a text that two readers
could read in two ways; then the typed decoding; then what types cannot say. The body is not rewritten: what goes
upstream are the bytes that were checked here.

An unknown ``type`` of a part, block or item fails the typed decoding, which knows only its own variants. Such a body
is read once more with each object of an unknown type taken for `Opaque`. That costs an ordinary JSON decoding, and
only requests that use what this build does not know pay it.

Failure modes: `Refusal` of kind TOO_LARGE for the size, BAD_REQUEST for everything else, with ``param`` the place.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from engine._fast.jsonguard import GuardError, check
from engine.errors import BAD_REQUEST, TOO_LARGE, Refusal
from engine.validation import (
    anthropic_messages,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_responses,
    place,
)
from engine.validation.hygiene import TextRules
from engine.validation.request import Request, RequestShape
from engine.validation.shape import UNKNOWN_TYPE
from engine.validation.unknown import Unknown

__all__ = ["Bounds", "DEEPEST", "ENDPOINTS", "Request", "decode", "decode_named", "guard"]

DEEPEST = 512
"""The largest depth a policy may ask for: decoders below use the C stack, under the interpreter's limit of 1000."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """The policy's bounds on a request: bytes of body, nesting of arrays and objects, messages or input items, and what
    becomes of fields that the shapes do not know, and of texts that the policy refuses."""

    max_depth: int = 64
    max_messages: int = 1000
    max_body: int = 1 << 20
    unknown_fields: Unknown = "allow"
    text: TextRules | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.max_depth <= DEEPEST:
            raise ValueError(f"max_depth: expected 1 to {DEEPEST}, got {self.max_depth}")
        if self.max_messages < 1 or self.max_body < 1:
            raise ValueError("max_messages and max_body must be at least 1")


class _Dialect(NamedTuple):
    shape: type[RequestShape]
    decoder: msgspec.json.Decoder[RequestShape]
    known_types: frozenset[str]


def _dialect(shape: type[RequestShape], known_types: frozenset[str]) -> _Dialect:
    return _Dialect(shape, msgspec.json.Decoder(shape), known_types)


_DIALECTS = {
    "chat": _dialect(openai_chat.ChatRequest, openai_chat.KNOWN_TYPES),
    "completions": _dialect(openai_completions.CompletionsRequest, openai_completions.KNOWN_TYPES),
    "embeddings": _dialect(openai_embeddings.EmbeddingsRequest, openai_embeddings.KNOWN_TYPES),
    "responses": _dialect(openai_responses.ResponsesRequest, openai_responses.KNOWN_TYPES),
    "messages": _dialect(anthropic_messages.MessagesRequest, anthropic_messages.KNOWN_TYPES),
}
_DECODE = {endpoint: dialect.decoder.decode for endpoint, dialect in _DIALECTS.items()}

ENDPOINTS = frozenset(_DIALECTS)
"""The endpoints that `decode` knows."""


def guard(body: bytes, bounds: Bounds) -> None:
    """Raise Refusal unless `body` is within the size and is one strict JSON text within the depth.

    All that a generic route's request is held to; `decode` does it too.
    """
    if len(body) > bounds.max_body:
        raise Refusal(TOO_LARGE, f"The body has {len(body)} bytes; at most {bounds.max_body} are allowed.")
    try:
        check(body, bounds.max_depth)
    except GuardError as error:
        reason = error.reason
        if reason == "nested too deeply":
            reason = f"nested deeper than {bounds.max_depth} levels"
        raise Refusal(
            BAD_REQUEST,
            f"The body is not acceptable JSON: {reason} (byte {error.offset}).",
            param=place.spell(error.path) or None,
        ) from None
    if bounds.text is not None:
        bounds.text.check(body, bounds.max_depth)


def decode(endpoint: str, body: bytes, bounds: Bounds) -> Request:
    """The typed request that `body` is at `endpoint`, one of `ENDPOINTS` (another is a KeyError). Raises Refusal."""
    guard(body, bounds)
    try:
        shape = _DECODE[endpoint](body)
    except msgspec.ValidationError:
        shape = _decode_slowly(_DIALECTS[endpoint], body)
    shape.check(bounds.max_messages)
    return Request(endpoint, shape.model, shape.stream or False, shape)


class _Named(msgspec.Struct, frozen=True, gc=False):
    """What an endpoint of no known shape has to say all the same."""

    model: str
    stream: bool | None = None


_decode_named = msgspec.json.Decoder(_Named).decode


def decode_named(body: bytes, bounds: Bounds) -> tuple[str, bool]:
    """The model of a JSON request of any other shape, and whether it asks for a stream. Raises Refusal."""
    guard(body, bounds)
    try:
        named = _decode_named(body)
    except msgspec.ValidationError as error:
        where, message = place.explain(error, msgspec.json.decode(body), _Named)
        raise Refusal(BAD_REQUEST, message, param=where or None) from None
    return named.model, named.stream or False


def _decode_slowly(dialect: _Dialect, body: bytes) -> RequestShape:
    """The way of a body that is not of the shape as it stands: for its unknown types, or because it is wrong."""
    value = msgspec.json.decode(body)
    _hide_unknown(value, dialect.known_types)
    try:
        return msgspec.convert(value, dialect.shape)
    except msgspec.ValidationError as error:
        where, message = place.explain(error, value, dialect.shape)
        raise Refusal(BAD_REQUEST, message, param=where or None) from None


def _hide_unknown(value: Any, known_types: frozenset[str]) -> None:
    """Empty every object below `value` whose ``type`` is unknown, and mark it as such.

    Objects in free-form places (a JSON Schema) are emptied too: the shapes take any object there.
    """
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, dict):
            kind = node.get("type")
            if isinstance(kind, str) and kind not in known_types:
                node.clear()
                node["type"] = UNKNOWN_TYPE
            else:
                pending.extend(node.values())
