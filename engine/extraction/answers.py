"""What of an answer does not leave under a role: log-probabilities, and what tells one deployment from another.

- ``logprobs: strip | round`` of the role (see `engine.extraction.logprobs`).
- ``answers.system_fingerprint: drop``: it names the configuration that answered.
- ``answers.model: asked``: the upstream's own name, which has a date and tells an alias' target, becomes the name that
  the client asked for.
- ``answers.ids: replace``: the id of an answer becomes one of this gateway's, the same in every event of a stream. Not
  of the Responses API, whose clients go on from an answer by its id.

Failure mode: `UnreadableAnswer` for what cannot be read and may hold what is to be taken out.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import orjson

from engine.extraction.logprobs import drop_logprobs, round_logprobs

# Whose ids nobody but a log refers to later.
_REPLACED_IDS: Final = ("chat", "completions", "messages")
_PREFIX: Final = re.compile(r"[a-z]{1,16}[-_]")
# Where the parts of an answer stand that an event carries: Responses' and Anthropic's.
_HOLDERS: Final = ("response", "message")


class UnreadableAnswer(Exception):
    """An answer that is not JSON and has the name of something that is to be taken out of it."""


class AnswerRules:
    """The rules of one role. Immutable, safe from several threads."""

    __slots__ = ("_fingerprint", "_ids", "_logprobs", "_marks", "_model")

    def __init__(
        self,
        logprobs: Literal["keep", "strip", "round"] = "keep",
        *,
        drop_fingerprint: bool = False,
        model_as_asked: bool = False,
        replace_ids: bool = False,
    ) -> None:
        self._logprobs = logprobs
        self._fingerprint = drop_fingerprint
        self._model = model_as_asked
        self._ids = replace_ids
        marks = []
        if logprobs != "keep":
            marks.append(b'logprobs"')
        if drop_fingerprint:
            marks.append(b'"system_fingerprint"')
        if model_as_asked:
            marks.append(b'"model"')
        if replace_ids:
            marks += (b'"id"', b'"request_id"')
        self._marks = tuple(marks)

    @property
    def active(self) -> bool:
        """Whether there is anything to take out."""
        return bool(self._marks)

    def apply(self, body: bytes, endpoint: str, request_id: str, model: str | None, *, is_json: bool = True) -> bytes:
        """The JSON of an answer or of an event as it may leave; the same object where nothing had to change.

        `endpoint` and `model` are those of the request. `is_json`: whether it says of itself that it is; what does not,
        and is none, is of another kind and has none of these. Raises UnreadableAnswer.
        """
        # A name may be written with escapes; it is read then to be sure.
        if not any(body.find(mark) >= 0 for mark in self._marks) and body.find(b"\\u") < 0:
            return body
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            if is_json and any(body.find(mark) >= 0 for mark in self._marks):
                raise UnreadableAnswer from None
            return body
        return orjson.dumps(answer) if self._change(answer, endpoint, request_id, model) else body

    def _change(self, answer: Any, endpoint: str, request_id: str, model: str | None) -> bool:
        changed = False
        if self._logprobs == "strip":
            changed = drop_logprobs(answer)
        elif self._logprobs == "round":
            changed = round_logprobs(answer)
        if not isinstance(answer, dict):
            return changed
        for holder in (answer, *(answer.get(name) for name in _HOLDERS)):
            if isinstance(holder, dict):
                changed |= self._change_holder(holder, endpoint, request_id, model)
        return changed

    def _change_holder(self, holder: dict[str, Any], endpoint: str, request_id: str, model: str | None) -> bool:
        changed = False
        if self._fingerprint and "system_fingerprint" in holder:
            del holder["system_fingerprint"]
            changed = True
        if self._model and model is not None and isinstance(holder.get("model"), str) and holder["model"] != model:
            holder["model"] = model
            changed = True
        if self._ids and endpoint in _REPLACED_IDS:
            name = holder.get("id")
            if isinstance(name, str):
                prefix = _PREFIX.match(name)
                holder["id"] = f"{prefix[0] if prefix is not None else ''}{request_id.removeprefix('req_')}"
                changed = True
            if isinstance(holder.get("request_id"), str):
                holder["request_id"] = request_id
                changed = True
        return changed
