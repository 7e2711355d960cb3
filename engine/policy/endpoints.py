"""The built-in endpoints: the paths that clients of the known dialects call, and where they lead upstream.

`path` is what a client asks for, `{id}` in it the name of a model or of something the provider keeps; `suffix` is what
is put behind an upstream's `base_url`, which ends in `/v1` for every dialect. A policy's own routes come beside these,
and can take none of their names or paths.

`body` says how a request is read:

    dialect     one of the five JSON shapes that `engine.validation` knows; served by the fast lane
    json        another JSON object that names its `model`; held to its shape where `engine.validation` knows it
    form        multipart/form-data with a field `model`
    file        multipart/form-data, or nothing, without a model
    socket      a WebSocket, whose model is in the query
    none        no body; answered by the gateway itself
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from engine.errors import Dialect

Body = Literal["dialect", "json", "form", "file", "socket", "none"]


class BuiltIn(NamedTuple):
    """An endpoint that every gateway has. `is_text`: whether redaction can read what it answers."""

    name: str
    dialect: Dialect
    methods: tuple[str, ...]
    path: str
    suffix: str
    body: Body = "dialect"
    is_text: bool = True


ENDPOINTS: Final = (
    BuiltIn("chat", "openai", ("POST",), "/v1/chat/completions", "/chat/completions"),
    BuiltIn("completions", "openai", ("POST",), "/v1/completions", "/completions"),
    BuiltIn("embeddings", "openai", ("POST",), "/v1/embeddings", "/embeddings"),
    BuiltIn("responses", "openai", ("POST",), "/v1/responses", "/responses"),
    BuiltIn("messages", "anthropic", ("POST",), "/v1/messages", "/messages"),
    BuiltIn("count_tokens", "anthropic", ("POST",), "/v1/messages/count_tokens", "/messages/count_tokens", "json"),
    BuiltIn("models", "openai", ("GET", "HEAD"), "/v1/models", "/models", "none"),
    BuiltIn("models", "openai", ("GET", "HEAD"), "/v1/models/{id}", "/models/{id}", "none"),
    BuiltIn("moderations", "openai", ("POST",), "/v1/moderations", "/moderations", "json"),
    BuiltIn("images", "openai", ("POST",), "/v1/images/generations", "/images/generations", "json", False),
    BuiltIn("images", "openai", ("POST",), "/v1/images/edits", "/images/edits", "form", False),
    BuiltIn("images", "openai", ("POST",), "/v1/images/variations", "/images/variations", "form", False),
    BuiltIn("audio", "openai", ("POST",), "/v1/audio/speech", "/audio/speech", "json", False),
    BuiltIn("audio", "openai", ("POST",), "/v1/audio/transcriptions", "/audio/transcriptions", "form"),
    BuiltIn("audio", "openai", ("POST",), "/v1/audio/translations", "/audio/translations", "form"),
    BuiltIn("files", "openai", ("GET", "POST"), "/v1/files", "/files", "file"),
    BuiltIn("files", "openai", ("GET", "DELETE"), "/v1/files/{id}", "/files/{id}", "file"),
    BuiltIn("files", "openai", ("GET",), "/v1/files/{id}/content", "/files/{id}/content", "file", False),
    BuiltIn("realtime", "openai", ("GET",), "/v1/realtime", "/realtime", "socket", False),
)

# Files belong to the provider's account, not to a client; a socket's content is not read. Only a role that names them
# has them: `*` does not stand for them.
NAMED_ONLY: Final = frozenset(("files", "realtime"))

# What a role may call beside an endpoint that it names: it belongs to it.
BESIDE: Final = {"messages": "count_tokens"}


def with_those_beside(names: list[str]) -> list[str]:
    """The endpoints that a role names, and those that belong to them."""
    return [*names, *(BESIDE[name] for name in names if name in BESIDE)]
