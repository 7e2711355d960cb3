"""Where the text of a stream stands: which text of an event continues which text of the events before.

A channel is one text that the client puts together: a choice's content, a tool call's arguments, a content block. Each
dialect names them its own way; here they become one key, and the place in the event where the piece stands. An event
of a shape that no dialect has is not passed over: what stands at the same place in one event and the next is taken for
one text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from engine.redaction.answers import JSON_STRINGS, STRUCTURAL, STRUCTURAL_BYTES, token_texts

Json = dict[str, Any]
Key = tuple[object, ...]
# text; JSON whose strings are searched; logprobs, whose token texts, and the bytes of these, repeat the answer.
Kind = Literal["text", "json", "tokens", "bytes"]

_MESSAGES: Final = frozenset(
    (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "ping",
        "error",
    )
)
# Events after which every channel is at its end.
_LAST: Final = frozenset(("message_stop", "response.completed", "response.incomplete", "response.failed"))


class Piece(NamedTuple):
    """A piece of a channel. `holder[key]` is the text, or the logprobs."""

    channel: Key
    holder: Any
    key: Any
    kind: Kind

    @property
    def text(self) -> str:
        value = self.holder[self.key]
        return value if isinstance(value, str) else token_texts(value, as_bytes=self.kind == "bytes")


def pieces(event: Json) -> Iterator[Piece]:
    """The pieces of a parsed event, in the order in which they stand."""
    kind = event.get("type")
    if isinstance(event.get("choices"), list):
        yield from _choices(event["choices"])
    elif isinstance(kind, str) and kind.startswith("response."):
        yield from _response(event, kind)
    elif isinstance(kind, str) and kind in _MESSAGES:
        yield from _block(event)
    elif not isinstance(event.get("error"), dict):
        yield from _leaves(event, (kind,))


def ended(event: Json) -> tuple[object, ...] | None:
    """How the keys of the channels begin that are at their end with this event; None where none is.

    OpenAI's chat has no such event: some upstreams name a reason to finish in every one.
    """
    kind = event.get("type")
    if kind in _LAST:
        return ()
    if kind == "content_block_stop":
        return ("block", event.get("index"))
    if isinstance(kind, str) and kind.startswith("response.") and kind.endswith(".done"):
        return (f"{kind[:-5]}.delta", *_place(event))
    return None


def _choices(choices: list[Any]) -> Iterator[Piece]:
    for choice in choices:
        if not isinstance(choice, dict):
            continue
        index = choice.get("index")
        if isinstance(choice.get("text"), str):
            yield Piece((index, "text"), choice, "text", "text")
        if choice.get("logprobs") is not None:
            yield from _logprobs(choice, (index, "logprobs"))
        if isinstance(choice.get("message"), dict):
            yield from _leaves(choice["message"], (index, "message"))
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            continue
        for call in delta.get("tool_calls") or ():
            if isinstance(call, dict):
                yield from _leaves(call, (index, "tool", call.get("index")))
        yield from _leaves({name: value for name, value in delta.items() if name != "tool_calls"}, (index,), delta)


def _response(event: Json, kind: str) -> Iterator[Piece]:
    if kind.endswith(".delta") and isinstance(event.get("delta"), str):
        yield Piece((kind, *_place(event)), event, "delta", "json" if "arguments" in kind else "text")
        if event.get("logprobs"):
            yield from _logprobs(event, (kind, *_place(event), "logprobs"))
    elif kind.endswith(".delta"):
        yield from _leaves(event, (kind, *_place(event)))
    elif kind == "response.content_part.added" and isinstance(event.get("part"), dict):
        # Text that a part begins with is continued by its deltas.
        if isinstance(event["part"].get("text"), str):
            yield Piece(("response.output_text.delta", *_place(event)), event["part"], "text", "text")
    elif kind == "response.output_item.added" and isinstance(event.get("item"), dict):
        item = event["item"]
        if isinstance(item.get("arguments"), str):
            place = (item.get("id"), event.get("output_index"), None, None)
            yield Piece(("response.function_call_arguments.delta", *place), item, "arguments", "json")


def _logprobs(holder: Json, channel: Key) -> Iterator[Piece]:
    yield Piece(channel, holder, "logprobs", "tokens")
    yield Piece((*channel, "bytes"), holder, "logprobs", "bytes")


def _place(event: Json) -> Key:
    return tuple(event.get(name) for name in ("item_id", "output_index", "content_index", "summary_index"))


def _block(event: Json) -> Iterator[Piece]:
    for part in (event.get("content_block"), event.get("delta")):
        if isinstance(part, dict):
            yield from _leaves(part, ("block", event.get("index")))


def _leaves(value: Json, channel: Key, holder: Json | None = None) -> Iterator[Piece]:
    """Every text in `value`, each in the channel of its place. Where it stands in a list makes no difference."""
    holder = value if holder is None else holder
    for name, item in value.items():
        yield from _leaf(holder, name, item, name, (*channel, name))


def _leaf(holder: Any, key: Any, item: Any, name: str, channel: Key) -> Iterator[Piece]:
    if isinstance(item, str):
        if item and not (name in STRUCTURAL and len(item) <= STRUCTURAL_BYTES):
            yield Piece(channel, holder, key, "json" if name in JSON_STRINGS else "text")
    elif isinstance(item, dict):
        yield from _leaves(item, channel)
    elif isinstance(item, list):
        for index, part in enumerate(item):
            yield from _leaf(item, index, part, name, channel)
