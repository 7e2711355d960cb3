"""The same for a stream: pieces are put together, and judged by the event that says they are whole.

Theory of operation. The pieces of a text or of a call's arguments pass as they come; what makes a client act on them is
the event after them (a finish reason, ``content_block_stop``, ``…arguments.done``, ``response.completed``). What does
not fit is found when that event comes, so that a stream that is ended there never completes the call or text.

Guarantees. What is judged is what the same answer would be as a whole, however the stream is cut. Of texts and
arguments never more than `max_bytes` are kept.

Failure modes: `Misfitting` for what the policy blocks; EventTooLong and `Uncheckable` past the bound, and `Uncheckable`
for an event that is not JSON.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from engine._fast.sse import Event, Splitter, parse
from engine.validation.answer_shape import AnswerShape, Misfit, Uncheckable, dicts

_DONE: Final = b"[DONE]"


class Misfitting(Exception):
    """Something that the policy blocks. `ahead` is what of the stream came before it."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__(misfit.control)
        self.misfit = misfit
        self.ahead = b""


class ShapeStream:
    """One stream. `flagged` is what was found and the policy only records, for the caller to take."""

    def __init__(self, shape: AnswerShape, max_bytes: int) -> None:
        self._shape = shape
        self._max = max_bytes
        self._splitter = Splitter(max_bytes)
        self._size = 0
        self._texts: dict[Any, list[str]] = {}
        self._names: dict[Any, str] = {}
        self._read = {"chat": self._chat, "responses": self._responses, "messages": self._messages}[shape.endpoint]
        self.flagged: list[Misfit] = []

    def feed(self, chunk: bytes) -> bytes:
        """Takes a part of the stream; its events that are whole. Raises Misfitting, Uncheckable, EventTooLong."""
        out: list[bytes] = []
        for event in self._splitter.feed(chunk):
            self._pass(event, out)
        return b"".join(out)

    def finish(self) -> bytes:
        """The end of the stream: what is left of it. Raises the same."""
        rest = self._splitter.finish()
        if rest:
            self._pass(parse(rest), [])
        return rest

    def _pass(self, event: Event, out: list[bytes]) -> None:
        data = event.data
        if data:
            try:
                for misfit in self._judged(data):
                    self._note(misfit)
            except Misfitting as misfitting:
                misfitting.ahead = b"".join(out)
                raise
        out.append(event.raw)

    def _judged(self, data: bytes) -> list[Misfit | None]:
        if data == _DONE:
            # Calls of an upstream that gave no reason for its end.
            choices = {key[0] for key in self._names if isinstance(key, tuple)}
            return [misfit for index in choices for misfit in self._ended(index, is_whole=False)]
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise Uncheckable from None
        return self._read(value) if isinstance(value, dict) else []

    def _note(self, misfit: Misfit | None) -> None:
        if misfit is None:
            return
        if misfit.blocks:
            raise Misfitting(misfit)
        self.flagged.append(misfit)

    def _add(self, key: Any, piece: Any) -> None:
        if isinstance(piece, str) and piece:
            self._size += len(piece)
            if self._size > self._max:
                raise Uncheckable
            self._texts.setdefault(key, []).append(piece)

    def _take(self, key: Any) -> str | None:
        pieces = self._texts.pop(key, None)
        return "".join(pieces) if pieces is not None else None

    def _chat(self, value: dict[str, Any]) -> list[Misfit | None]:
        found: list[Misfit | None] = []
        for choice in dicts(value.get("choices")):
            index, delta = _key(choice.get("index")), choice.get("delta")
            if isinstance(delta, dict):
                self._add((index, "text"), delta.get("content"))
                if delta.get("refusal"):
                    self._names[index, "refusal"] = "refusal"
                calls = [(_key(call.get("index")), call.get("function")) for call in dicts(delta.get("tool_calls"))]
                for number, function in (*calls, ("only", delta.get("function_call"))):
                    if isinstance(function, dict):
                        self._call((index, number), function.get("name"), function.get("arguments"))
            if choice.get("finish_reason"):
                found += self._ended(index, is_whole=choice["finish_reason"] == "stop")
        return found

    def _call(self, key: tuple[Any, Any], name: Any, arguments: Any) -> None:
        if isinstance(name, str) and name:
            self._names[key] = self._names.get(key, "") + name
        self._add(key, arguments)

    def _ended(self, index: Any, *, is_whole: bool) -> list[Misfit | None]:
        calls = [key for key in self._names if key[0] == index and key[1] != "refusal"]
        found = [self._shape.judge_call(self._names.pop(key), self._take(key) or "") for key in calls]
        text = self._take((index, "text"))
        if is_whole and text is not None and (index, "refusal") not in self._names:
            found.append(self._shape.judge_text(text))
        return found

    def _responses(self, value: dict[str, Any]) -> list[Misfit | None]:
        kind, item = value.get("type"), value.get("item")
        if isinstance(item, dict) and item.get("type") == "function_call":
            if kind == "response.output_item.added" and isinstance(item.get("name"), str):
                self._names[_key(item.get("id"))] = item["name"]
            elif kind == "response.output_item.done":
                return [self._shape.judge_call(str(item.get("name")), item.get("arguments"))]
        elif kind == "response.function_call_arguments.done":
            name = value.get("name") or self._names.get(_key(value.get("item_id")))
            return [self._shape.judge_call(str(name), value.get("arguments"))]
        elif kind == "response.completed":
            return [*self._shape.misfits_of(value.get("response"))]
        return []

    def _messages(self, value: dict[str, Any]) -> list[Misfit | None]:
        kind, index = value.get("type"), _key(value.get("index"))
        block, delta = value.get("content_block"), value.get("delta")
        if kind == "content_block_start" and isinstance(block, dict) and block.get("type") == "tool_use":
            self._names[index] = str(block.get("name"))
        elif kind == "content_block_delta" and isinstance(delta, dict):
            self._add(index, delta.get("partial_json"))
            self._add("text", delta.get("text"))
        elif kind == "content_block_stop" and index in self._names:
            # A call without arguments has no pieces, or empty ones.
            return [self._shape.judge_call(self._names.pop(index), self._take(index) or "{}")]
        elif kind == "message_delta" and isinstance(delta, dict) and delta.get("stop_reason") == "end_turn":
            text = self._take("text")
            return [self._shape.judge_text(text)] if text is not None else []
        return []


def _key(value: Any) -> int | str | None:
    """A number or name by which pieces are told apart. Raises Uncheckable for what can be none."""
    if value is None or isinstance(value, int | str):
        return value
    raise Uncheckable
