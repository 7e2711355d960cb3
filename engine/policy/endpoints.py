"""The built-in endpoints: the paths that clients of the known dialects call, and where they lead upstream.

`path` is what a client asks for; `suffix` is what is put behind an upstream's `base_url`, which ends in `/v1` for every
dialect. A policy's own routes come beside these, and can take none of their names or paths.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from engine.errors import Dialect


class BuiltIn(NamedTuple):
    """An endpoint that every gateway has."""

    name: str
    dialect: Dialect
    method: str
    path: str
    suffix: str


ENDPOINTS: Final = (
    BuiltIn("chat", "openai", "POST", "/v1/chat/completions", "/chat/completions"),
    BuiltIn("completions", "openai", "POST", "/v1/completions", "/completions"),
    BuiltIn("embeddings", "openai", "POST", "/v1/embeddings", "/embeddings"),
    BuiltIn("responses", "openai", "POST", "/v1/responses", "/responses"),
    BuiltIn("messages", "anthropic", "POST", "/v1/messages", "/messages"),
    BuiltIn("models", "openai", "GET", "/v1/models", "/models"),
)
