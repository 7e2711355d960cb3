"""Answers held against schemas: the arguments of tools, and the format that the request asked for.

Rules. A call of a tool for which the policy has a schema must have arguments that fit; calls of others are not looked
at. A text must be what ``response_format`` (chat), ``text.format`` (Responses) or ``output_config.format`` (Messages)
asks for; an answer that was cut short, refused, or calls tools says so itself and its text is not judged. The schema of
a format is the client's: it is bounded in size and cost (see `schema_cost`), and one that cannot be used is refused
before anything goes upstream, so that nothing passes as checked that was not.

Failure modes: `Refusal` (400) for a request's format that cannot be used. What does not fit is given back as `Misfit`;
what follows is the policy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple

import orjson

from engine._fast.jsonguard import GuardError, check
from engine.errors import BAD_REQUEST, Refusal
from engine.validation.schema import Schema, SchemaError
from engine.validation.schema_cost import DEPTH, TooCostly, check_cost

ARGUMENTS: Final = "tool_arguments"
FORMAT: Final = "response_format"

# A format's schema that is longer is refused.
MOST_SCHEMA: Final = 64 << 10
# Compiled ones that are remembered: applications ask with the same few over and over.
_REMEMBERED: Final = 256

# By endpoint, where a request says its format, and where in that the schema stands.
_FORMATS: Final = {
    "chat": ((("response_format",), ("json_schema", "schema")),),
    "responses": ((("text", "format"), ("schema",)),),
    "messages": ((("output_config", "format"), ("schema",)), (("output_format",), ("schema",))),
}


class ToolSchema(NamedTuple):
    """The schema of a tool's arguments; `blocks`: what does not fit is withheld, not only recorded."""

    schema: Schema
    blocks: bool


class Misfit(NamedTuple):
    """Something in an answer that does not fit. `control` is `ARGUMENTS` or `FORMAT`; `name` the tool's, if one's."""

    control: str
    name: str
    blocks: bool


class Uncheckable(Exception):
    """An answer that cannot be read, or is too long to be kept."""


class AnswerShapes:
    """The policy's part: schemas of tools by name, and what becomes of texts that are not in the format asked for."""

    __slots__ = ("_format", "_tools")

    def __init__(self, tools: Mapping[str, ToolSchema], response_format: Literal["ignore", "flag", "block"]) -> None:
        self._tools = tools
        self._format = response_format

    def of(self, endpoint: str, body: bytes) -> AnswerShape | None:
        """What the answer to a request is held against; None where there is nothing. Raises Refusal (400)."""
        if endpoint not in _FORMATS:
            return None
        wanted: Schema | None = None
        judges = False
        if self._format != "ignore" and (body.find(b"format") >= 0 or body.find(b"\\u") >= 0):
            judges, wanted = _wanted(endpoint, orjson.loads(body))
        if not judges and not self._tools:
            return None
        return AnswerShape(endpoint, self._tools, judges, wanted, self._format == "block")


class AnswerShape:
    """What the answer to one request is held against."""

    __slots__ = ("_blocks", "_judges", "_tools", "_wanted", "endpoint")

    def __init__(
        self, endpoint: str, tools: Mapping[str, ToolSchema], judges: bool, wanted: Schema | None, blocks: bool
    ) -> None:
        """`judges`: texts must be JSON, and fit `wanted` where there is one."""
        self.endpoint = endpoint
        self._tools = tools
        self._judges = judges
        self._wanted = wanted
        self._blocks = blocks

    def misfits(self, body: bytes) -> list[Misfit]:
        """What does not fit in a whole answer. Raises Uncheckable."""
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Uncheckable from None
        return self.misfits_of(answer)

    def misfits_of(self, answer: Any) -> list[Misfit]:
        """The same of a parsed answer."""
        if not isinstance(answer, dict):
            return []
        found = [self.judge_call(name, arguments) for name, arguments in _CALLS[self.endpoint](answer)]
        found += [self.judge_text(text) for text in _TEXTS[self.endpoint](answer)]
        return [misfit for misfit in found if misfit is not None]

    def judge_call(self, name: str, arguments: Any) -> Misfit | None:
        """Whether a call fits. `arguments` is JSON text, or parsed."""
        tool = self._tools.get(name)
        if tool is None:
            return None
        data = b""
        if isinstance(arguments, str):
            data = arguments.encode("utf-8", "surrogatepass")
        elif isinstance(arguments, dict):
            data = orjson.dumps(arguments)
        return None if data and _fits(data, tool.schema) else Misfit(ARGUMENTS, name, tool.blocks)

    def judge_text(self, text: str) -> Misfit | None:
        """Whether a whole text is in the format that was asked for."""
        if not self._judges or _fits(text.encode("utf-8", "surrogatepass"), self._wanted):
            return None
        return Misfit(FORMAT, "", self._blocks)


def _fits(data: bytes, schema: Schema | None) -> bool:
    try:
        # One reading for the client too: no duplicate keys, and no depth that a schema's bound does not cover.
        check(data, DEPTH)
    except GuardError:
        return False
    return schema.accepts(data) if schema is not None else data.lstrip(b" \t\r\n").startswith(b"{")


def _wanted(endpoint: str, request: dict[str, Any]) -> tuple[bool, Schema | None]:
    """Whether a request asks for JSON, and for which. Raises Refusal (400)."""
    for place, inside in _FORMATS[endpoint]:
        asked = _at(request, place)
        kind = asked.get("type") if isinstance(asked, dict) else None
        if kind == "json_object":
            return True, None
        if kind == "json_schema":
            schema = _at(asked, inside)
            if schema is None:
                return True, None
            try:
                return True, _compiled(orjson.dumps(schema))
            except (SchemaError, TooCostly) as error:
                raise Refusal(
                    BAD_REQUEST,
                    f"The schema cannot be held to: {error}.",
                    param=".".join((*place, *inside)),
                    control=FORMAT,
                ) from None
    return False, None


@lru_cache(_REMEMBERED)
def _compiled(text: bytes) -> Schema:
    if len(text) > MOST_SCHEMA:
        raise TooCostly(f"it is longer than {MOST_SCHEMA >> 10} KiB")
    check_cost(orjson.loads(text))
    return Schema(text)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def dicts(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, of what may be anything."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _chat_calls(answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for choice in dicts(answer.get("choices")):
        message = choice.get("message")
        if isinstance(message, dict):
            functions = [call.get("function") for call in dicts(message.get("tool_calls"))]
            for function in (*functions, message.get("function_call")):
                if isinstance(function, dict):
                    yield str(function.get("name")), function.get("arguments")


def _chat_texts(answer: dict[str, Any]) -> Iterator[str]:
    for choice in dicts(answer.get("choices")):
        message = choice.get("message")
        if choice.get("finish_reason") == "stop" and isinstance(message, dict) and not message.get("refusal"):
            text = message.get("content")
            if isinstance(text, str):
                yield text


def _responses_calls(answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for item in dicts(answer.get("output")):
        if item.get("type") == "function_call":
            yield str(item.get("name")), item.get("arguments")


def _responses_texts(answer: dict[str, Any]) -> Iterator[str]:
    if answer.get("status") not in (None, "completed"):
        return
    for item in dicts(answer.get("output")):
        for part in dicts(item.get("content")) if item.get("type") == "message" else ():
            if part.get("type") == "output_text" and isinstance(part.get("text"), str):
                yield part["text"]


def _messages_calls(answer: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for block in dicts(answer.get("content")):
        if block.get("type") == "tool_use":
            yield str(block.get("name")), block.get("input")


def _messages_texts(answer: dict[str, Any]) -> Iterator[str]:
    if answer.get("stop_reason") == "end_turn":
        texts = [block.get("text") for block in dicts(answer.get("content")) if block.get("type") == "text"]
        if texts:
            yield "".join(text for text in texts if isinstance(text, str))


_CALLS: Final = {"chat": _chat_calls, "responses": _responses_calls, "messages": _messages_calls}
_TEXTS: Final = {"chat": _chat_texts, "responses": _responses_texts, "messages": _messages_texts}
