"""The request of OpenAI's embeddings (POST /v1/embeddings), after OpenAI's public specification.

It is never streamed.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.validation.shape import Positive, Shape


class EmbeddingsRequest(Shape, frozen=True, gc=False, kw_only=True):
    stream: ClassVar[bool] = False

    input: Annotated[str, Meta(min_length=1)] | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None


KNOWN_TYPES: frozenset[str] = frozenset()
