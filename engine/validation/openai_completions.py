"""The request of OpenAI's legacy completions (POST /v1/completions), after OpenAI's public specification.

A prompt is a text, several texts, the tokens of one, or the tokens of several.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from engine.errors import BAD_REQUEST, Refusal
from engine.validation.shape import (
    Bounded,
    Choices,
    LogitBias,
    Natural,
    Penalty,
    Shape,
    Stop,
    StreamOptions,
    Temperature,
    Texts,
    refuse_mixed,
)


class CompletionsRequest(Shape, frozen=True, gc=False, kw_only=True):
    prompt: str | Texts | None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    max_tokens: Natural | None = None
    temperature: Temperature | None = None
    top_p: Bounded | None = None
    n: Choices | None = None
    best_of: Annotated[int, Meta(ge=0, le=20)] | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    echo: bool | None = None
    stop: Stop | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    logit_bias: LogitBias | None = None
    seed: int | None = None
    user: str | None = None

    def check(self, max_messages: int) -> None:
        if isinstance(self.prompt, list):
            refuse_mixed("prompt", self.prompt)
        if self.best_of is not None and self.n is not None and self.best_of < self.n:
            raise Refusal(BAD_REQUEST, f"Expected 'int' >= {self.n}, which is 'n'.", param="best_of")
