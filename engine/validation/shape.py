"""What the five request shapes have in common: their base class, and room for what a provider adds tomorrow.

Rules:

- A field that this build knows has the provider's type and public bounds. One that it does not know is passed over:
  whether unknown fields are allowed is policy, not shape.
- ``null`` stands for an absent optional field, as both providers take it.
- Where providers keep adding variants (content parts, blocks, tools, input items) the known ones are checked and an
  unknown ``type`` is let through as `Opaque`, unless it is a slip (see `engine.validation.unknown`). Where the set is
  closed (roles, response formats) it is closed here too.

Failure mode: everything wrong is a `Refusal` of kind BAD_REQUEST that names the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.variants import Variants

UNKNOWN_TYPE = "(unknown)"

Bounded = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Choices = Annotated[int, Meta(ge=1, le=128)]
TopLogprobs = Annotated[int, Meta(ge=0, le=20)]
LogitBias = dict[str, Annotated[float, Meta(ge=-100, le=100)]]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]
Stop = str | Annotated[list[str], Meta(max_length=4)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
NonEmpty = Annotated[str, Meta(min_length=1)]
Token = Annotated[int, Meta(ge=0)]
# Several texts, the tokens of one, or the tokens of several; which of them, `refuse_mixed` says.
Texts = Annotated[list[str | Token | Annotated[list[Token], Meta(min_length=1)]], Meta(min_length=1)]
SafetyIdentifier = Annotated[str, Meta(max_length=128)]

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Detail = Literal["auto", "low", "high", "original"]
Level = Literal["low", "medium", "high"]
CacheRetention = Literal["in_memory", "in-memory", "24h"]
OpenAITier = Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"]


# Every struct of a shape is frozen and holds only what came out of one JSON text: no cycles, nothing for the collector.
class Part(Struct, frozen=True, gc=False, kw_only=True):
    """Any object inside a request."""


class Open(Part, frozen=True, gc=False, kw_only=True):
    """An object that has fields of the caller's own beside these: a JSON Schema."""


class Shape(Part, frozen=True, gc=False, kw_only=True):
    """A whole request of one dialect. `variants` are those of its fields that hold raw items, by name."""

    variants: ClassVar[Mapping[str, Variants]] = {}

    model: Annotated[str, Meta(min_length=1)]

    def check(self, max_messages: int) -> None:
        """Raise Refusal for what types cannot say. Nothing, unless a shape says otherwise."""


class Opaque(Part, frozen=True, gc=False, kw_only=True, tag=UNKNOWN_TYPE):
    """A variant that this build does not know; its content is in the body, not here."""


class CacheBreakpoint(Part, frozen=True, gc=False, kw_only=True):
    mode: Literal["explicit"]
    ttl: Literal["30m", "12h"] | None = None


class CacheOptions(Part, frozen=True, gc=False, kw_only=True):
    mode: Literal["implicit", "explicit"] | None = None
    ttl: Literal["30m", "12h"] | None = None
    comparison_response_id: str | None = None
    prewarm: bool | None = None


class ModerationMode(Part, frozen=True, gc=False, kw_only=True):
    mode: Literal["block", "score"]


class ModerationPolicy(Part, frozen=True, gc=False, kw_only=True):
    input: ModerationMode | None = None
    output: ModerationMode | None = None


class Moderation(Part, frozen=True, gc=False, kw_only=True):
    model: str
    policy: ModerationPolicy | None = None


class StreamOptions(Part, frozen=True, gc=False, kw_only=True):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


def missing(place: str, field: str) -> Refusal:
    """The refusal of an object at `place` that lacks `field`."""
    return Refusal(BAD_REQUEST, f"Missing required field '{field}'.", param=f"{place}.{field}" if place else field)


def empty(place: str) -> Refusal:
    """The refusal of a list at `place` that has nothing in it."""
    return Refusal(BAD_REQUEST, "Expected 'array' of length >= 1.", param=place)


def refuse_mixed(place: str, texts: Sequence[object]) -> None:
    """Raise Refusal unless all of the list at `place` is of one kind."""
    if len(set(map(type, texts))) > 1:
        index = next(index for index, text in enumerate(texts) if type(text) is not type(texts[0]))
        raise Refusal(BAD_REQUEST, "Expected the same as before it: texts, tokens or lists.", param=f"{place}[{index}]")


def too_many(place: str, count: int, bound: int) -> Refusal:
    """The refusal of a list at `place` that is longer than the policy allows."""
    return Refusal(BAD_REQUEST, f"Expected at most {bound} messages, got {count}.", param=place)
