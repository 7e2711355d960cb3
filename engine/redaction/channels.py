"""Where the deltas of a stream stand: which text of an event continues which text of the events before.

A channel is one text that the client puts together: a choice's content, a tool call's arguments, a content block. Each
dialect names them its own way; here they become one key, and the place in the event where the piece stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]


class Piece(NamedTuple):
    """A piece of a channel. `holder[key]` is the text; `is_json`: together the pieces are JSON."""

    channel: tuple[object, ...]
    holder: Json
    key: str
    is_json: bool


def pieces(event: Json) -> Iterator[Piece]:
    """The pieces of a parsed event, in the order in which they stand. An event of no known shape has none."""
    kind = event.get("type")
    if isinstance(event.get("choices"), list):
        yield from _choices(event["choices"])
    elif kind == "content_block_delta" and isinstance(event.get("delta"), dict):
        yield from _block(event)
    elif isinstance(kind, str) and kind.endswith(".delta") and isinstance(event.get("delta"), str):
        place = tuple(event.get(name) for name in ("item_id", "output_index", "content_index", "summary_index"))
        yield Piece((kind, *place), event, "delta", "arguments" in kind)


def _choices(choices: list[Any]) -> Iterator[Piece]:
    for choice in choices:
        if not isinstance(choice, dict):
            continue
        index = choice.get("index")
        if isinstance(choice.get("text"), str):
            yield Piece((index, "text"), choice, "text", False)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            continue
        for key, value in delta.items():
            if isinstance(value, str) and key != "role":
                yield Piece((index, key), delta, key, False)
        for call in delta.get("tool_calls") or ():
            function = call.get("function") if isinstance(call, dict) else None
            if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                yield Piece((index, "tool", call.get("index")), function, "arguments", True)
        function = delta.get("function_call")
        if isinstance(function, dict) and isinstance(function.get("arguments"), str):
            yield Piece((index, "function"), function, "arguments", True)


def _block(event: Json) -> Iterator[Piece]:
    delta = event["delta"]
    for key in ("text", "thinking", "partial_json"):
        if isinstance(delta.get(key), str):
            yield Piece((event.get("index"), key), delta, key, key == "partial_json")
