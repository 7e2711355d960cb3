"""The format of an answer's text in OpenAI's Responses API, after OpenAI's public specification."""

from __future__ import annotations

from typing import Any

from engine.validation.shape import Name, Part


class PlainFormat(Part, frozen=True, gc=False, kw_only=True, tag="text"):
    pass


class JsonObjectFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_object"):
    pass


class JsonSchemaFormat(Part, frozen=True, gc=False, kw_only=True, tag="json_schema"):
    name: Name
    schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


TextFormat = PlainFormat | JsonObjectFormat | JsonSchemaFormat
