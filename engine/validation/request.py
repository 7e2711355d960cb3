"""A request that passed validation, the same for every dialect."""

from __future__ import annotations

from msgspec import Struct

from engine.validation.anthropic_messages import CountTokensRequest, MessagesRequest
from engine.validation.openai_chat import ChatRequest
from engine.validation.openai_completions import CompletionsRequest
from engine.validation.openai_embeddings import EmbeddingsRequest
from engine.validation.openai_responses import ResponsesRequest

RequestShape = (
    ChatRequest | CompletionsRequest | EmbeddingsRequest | ResponsesRequest | MessagesRequest | CountTokensRequest
)


class Request(Struct, frozen=True, gc=False):
    """`endpoint` is the name it was decoded for, `shape` the typed request; `stream` is false where it was null."""

    endpoint: str
    model: str
    stream: bool
    shape: RequestShape
