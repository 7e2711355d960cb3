"""The request of OpenAI's embeddings (POST /v1/embeddings), after OpenAI's public specification.

It is never streamed.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.shape import NonEmpty, Positive, Shape, Texts, refuse_mixed

MAX_TEXTS: Final = 2048


class EmbeddingsRequest(Shape, frozen=True, gc=False, kw_only=True):
    stream: ClassVar[bool] = False

    input: NonEmpty | Texts
    dimensions: Positive | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None

    def check(self, max_messages: int) -> None:
        if isinstance(self.input, list):
            refuse_mixed("input", self.input)
            # The tokens of one text may be more.
            if len(self.input) > MAX_TEXTS and not isinstance(self.input[0], int):
                raise Refusal(BAD_REQUEST, f"Expected 'array' of length <= {MAX_TEXTS}.", param="input")
