"""From the body of a request to a typed request, or to a refusal that names the place.

The order matters. First the bound on the size; then the guard, so that nothing below ever sees a text that two readers
could read in two ways; then the typed decoding; then what types cannot say. The body is not rewritten: what goes
upstream are the bytes that were checked here.

An unknown ``type`` of a part, block or tool fails the typed decoding, which knows only its own variants. Such a body
is read once more with each object of an unknown type taken for `Opaque` (see `engine.validation.opaque`). That costs an
ordinary JSON decoding, and only requests that use what this build does not know pay it. Lists of items that need not
carry a type are decoded item by item (see `engine.validation.variants`).

Failure modes: `Refusal` of kind TOO_LARGE for the size, BAD_REQUEST for everything else, with ``param`` the place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

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
from engine.validation.opaque import Slips, hide_unknown
from engine.validation.request import Request, RequestShape
from engine.validation.shape import missing
from engine.validation.tree import items_of
from engine.validation.unknown import Unknown

__all__ = ["Bounds", "DEEPEST", "ENDPOINTS", "Request", "SHAPES", "decode", "decode_named", "guard"]

DEEPEST = 512
"""The largest depth a policy may ask for: decoders below use the C stack, under the interpreter's limit of 1000."""


class Bounds(msgspec.Struct, frozen=True, gc=False):
    """The policy's bounds on a request: bytes of body, nesting of arrays and objects, messages or input items, and what
    becomes of fields that the shapes do not know, and of texts that the policy refuses. `new_types`: types of parts,
    items and tools that the provider has added since (see `engine.validation.opaque`)."""

    max_depth: int = 64
    max_messages: int = 1000
    max_body: int = 1 << 20
    unknown_fields: Unknown = "allow"
    text: TextRules | None = None
    new_types: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.max_depth <= DEEPEST:
            raise ValueError(f"max_depth: expected 1 to {DEEPEST}, got {self.max_depth}")
        if self.max_messages < 1 or self.max_body < 1:
            raise ValueError("max_messages and max_body must be at least 1")


SHAPES: dict[str, type[RequestShape]] = {
    "chat": openai_chat.ChatRequest,
    "completions": openai_completions.CompletionsRequest,
    "embeddings": openai_embeddings.EmbeddingsRequest,
    "responses": openai_responses.ResponsesRequest,
    "messages": anthropic_messages.MessagesRequest,
    "count_tokens": anthropic_messages.CountTokensRequest,
}
"""By endpoint, the shape of its requests."""
_DECODE: dict[str, Callable[[bytes], RequestShape]] = {
    endpoint: msgspec.json.Decoder(shape).decode for endpoint, shape in SHAPES.items()
}

ENDPOINTS = frozenset(SHAPES)
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
        shape = _decode_slowly(SHAPES[endpoint], body, bounds.new_types)
    shape.check(bounds.max_messages)
    if shape.variants:
        _check_items(shape, bounds.new_types)
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


def _decode_slowly(kind: type[RequestShape], body: bytes, news: frozenset[str]) -> RequestShape:
    """The way of a body that is not of the shape as it stands: for its unknown types, or because it is wrong."""
    value = msgspec.json.decode(body)
    if isinstance(value, dict):
        for name in kind.variants:
            items = value.get(name)
            if isinstance(items, list):
                value[name] = [msgspec.Raw(msgspec.json.encode(item)) for item in items]
    hide_unknown(kind, value, Slips(news))
    return cast(RequestShape, _convert(value, kind))


def _convert(value: Any, kind: type[msgspec.Struct], path: tuple[str | int, ...] = ()) -> Any:
    """A parsed value, which is at `path`, as a struct. Raises Refusal."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        where, message = place.explain(error, value, kind, path)
        raise Refusal(BAD_REQUEST, message, param=where or None) from None


def _check_items(shape: RequestShape, news: frozenset[str]) -> None:
    """Raise Refusal unless the raw items of a shape are what their types say."""
    slips = None
    for name, variants in shape.variants.items():
        items = getattr(shape, name)
        if isinstance(items, list):
            for index, item in enumerate(items):
                try:
                    decoder = variants.decoders.get(variants.type_of_raw(item))
                    if decoder is not None:
                        decoder(item)
                        continue
                except msgspec.ValidationError:
                    pass
                slips = slips or Slips(news)
                _check_slowly(shape, name, index, msgspec.json.decode(item), slips)


def _check_slowly(shape: RequestShape, name: str, index: int, item: Any, slips: Slips) -> None:
    """The same for one item that is not of its type as it stands."""
    variants = shape.variants[name]
    if not isinstance(item, dict):
        raise Refusal(BAD_REQUEST, "Expected 'object'.", param=place.spell((name, index)))
    kind = variants.type_of(item)
    if not isinstance(kind, str):
        raise Refusal(BAD_REQUEST, "Expected 'str'.", param=place.spell((name, index, "type")))
    if not kind:
        raise missing(place.spell((name, index)), "type")
    struct = variants.structs.get(kind)
    if struct is None:
        slips.refuse(items_of(variants), kind, item, (name, index))
        return
    hide_unknown(struct, item, slips, (name, index))
    _convert(item, struct, (name, index))
