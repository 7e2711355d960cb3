"""Redaction of a whole answer: JSON of any shape, or plain text.

Theory of operation. All strings of a JSON text, keys too, are unescaped in one pass and searched in one go. If nothing
occurs, the bytes leave as they came. Otherwise the text is parsed and every string is redacted where it stands, but for
a short list of structural fields whose values no model writes. So it does not matter whether a shape is known: what is
not known is searched like everything else.

Tool arguments are JSON inside a string; they are parsed and redacted leaf by leaf, so that they stay valid JSON. Token
texts in `logprobs` repeat the answer in pieces that no rule would match: where anything was found they are dropped.
"""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

from engine._fast.jsonguard import GuardError, texts_and_names
from engine.redaction.profile import Profile, Redaction

# Deeper answers cannot be walked on the interpreter's stack; no dialect comes near.
MAX_DEPTH: Final = 128
# Values that the API's machinery writes, not the model. Never a place for text in any dialect.
STRUCTURAL: Final = frozenset(
    (
        "id", "object", "type", "role", "model", "finish_reason", "stop_reason", "status", "call_id", "item_id",
        "tool_call_id", "tool_use_id", "response_id", "previous_response_id", "system_fingerprint", "service_tier",
        "signature", "encrypted_content", "created", "created_at", "index",
    )
)  # fmt: skip
# A structural value that is longer is not what it says it is.
STRUCTURAL_BYTES: Final = 64
# Where a string is JSON of its own.
JSON_STRINGS: Final = frozenset(("arguments", "partial_json"))
# The keys of token texts in chat's and completions' logprobs, and then those of JSON_STRINGS: see `searched_texts`.
_TELLING: Final = (b"token", b"tokens", *(name.encode() for name in sorted(JSON_STRINGS)))
_TOKENS: Final = 0b11
# Every dialect counts under such names, and no secret is one: see `jsonguard.texts`.
_COUNTS: Final = re.compile("[a-z_]+_tokens(?:_details)?")
_LOGPROBS: Final = frozenset(("logprobs", "prompt_logprobs"))


def token_texts(value: Any, *, as_bytes: bool) -> str:
    """The token texts of logprobs, one after the other: chat's lists of objects, completions' list of texts.

    `as_bytes`: what the bytes of each token say, where it has some.
    """
    if isinstance(value, dict):
        return "".join(
            token_texts(value[name], as_bytes=as_bytes) for name in ("tokens", "content", "refusal") if name in value
        )
    if not isinstance(value, list):
        return ""
    return "".join(_token_text(item, as_bytes) for item in value)


def _token_text(item: Any, as_bytes: bool) -> str:
    if isinstance(item, str):
        return item
    if not isinstance(item, dict):
        return ""
    data = item.get("bytes")
    if as_bytes and isinstance(data, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in data):
        return bytes(data).decode("utf-8", "replace")
    token = item.get("token")
    return token if isinstance(token, str) else ""


class UnsearchableAnswer(Exception):
    """An answer whose text cannot be found: neither JSON nor text."""


class AnswerRedaction:
    """The body that may leave (the very same object where nothing changed), findings by rule, and who blocks it."""

    __slots__ = ("blocked", "body", "findings")

    def __init__(self, body: bytes, findings: dict[str, int], blocked: str | None) -> None:
        self.body = body
        self.findings = findings
        self.blocked = blocked


class Walker:
    """Redacts the strings of parsed JSON in place, and counts what it found.

    known: what becomes of texts that have been redacted before, see `Profile.redact_each`.
    """

    def __init__(self, profile: Profile, known: dict[bytes, Redaction | None] | None = None) -> None:
        self.profile = profile
        self._known = known or {}
        self.findings: dict[str, int] = {}
        self.blocked: str | None = None
        self.has_logprobs = False

    def text(self, text: str, profile: Profile | None = None) -> str:
        """One text."""
        data = text.encode("utf-8", "surrogatepass")
        result: Redaction | None
        if profile is None and data in self._known:
            result = self._known[data]
            if result is None:
                return text
        else:
            if profile is None:
                profile = self.profile
            result = profile.redact(data)
        self.count(result.findings)
        self.blocked = self.blocked or result.blocked
        return text if result.text is data else result.text.decode("utf-8", "surrogatepass")

    def name(self, name: str) -> str:
        """A key. Those that `jsonguard.texts` leaves out are left alone."""
        return name if "_tokens" in name and _COUNTS.fullmatch(name) else self.text(name)

    def count(self, findings: dict[str, int]) -> None:
        """Adds findings of a text."""
        for rule, count in findings.items():
            self.findings[rule] = self.findings.get(rule, 0) + count

    def json_text(self, text: str) -> str:
        """A text that is JSON, or was meant to be."""
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self.text(text)
        if not isinstance(value, dict | list):
            return self.text(text)
        before = dict(self.findings)
        value = self.tree(value, None)
        return text if self.findings == before else orjson.dumps(value).decode()

    def tree(self, value: Any, key: str | None) -> Any:
        """A value found under `key`: every text in it. Deep nesting was refused before. Keys are texts too."""
        if isinstance(value, str):
            if key in JSON_STRINGS:
                return self.json_text(value)
            if key in STRUCTURAL and len(value) <= STRUCTURAL_BYTES:
                return value
            # The Responses API gives a request's own instructions back beside the answer: these are no leak.
            return self.text(value, self.profile.without_prompt if key == "instructions" else None)
        if isinstance(value, list):
            return [self.tree(item, key) for item in value]
        if isinstance(value, dict):
            return {
                self.name(name): self.logprobs(item) if name in _LOGPROBS else self.tree(item, name)
                for name, item in value.items()
            }
        return value

    def logprobs(self, value: Any) -> Any:
        """Token texts say together what no rule finds in one of them: nothing is left where something is found.

        They repeat the answer, so what was found there is not counted again.
        """
        if value is None:
            return None
        self.has_logprobs = True
        together = Walker(self.profile)
        together.text(token_texts(value, as_bytes=False))
        if not together.findings:
            together.text(token_texts(value, as_bytes=True))
        if not together.findings:
            return self.tree(value, None)
        for rule, count in together.findings.items():
            self.findings.setdefault(rule, count)
        self.blocked = self.blocked or together.blocked
        return [] if isinstance(value, list) else None


def drop_logprobs(value: Any) -> None:
    """Takes token texts out of a parsed answer, in place."""
    if isinstance(value, list):
        for item in value:
            drop_logprobs(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in _LOGPROBS and item is not None:
                value[name] = [] if isinstance(item, list) else None
            else:
                drop_logprobs(item)


def redact_answer(
    profile: Profile, body: bytes, media: bytes, pointers: tuple[str, ...] | None = None
) -> AnswerRedaction:
    """Redacts the body of an answer. `media` is its Content-Type.

    `pointers` name where a generic route's text stands (JSON pointers with `*`); every other string is searched all the
    same, as a declared place is no proof that there is no other. Raises UnsearchableAnswer.
    """
    try:
        found, may_hide = searched_texts(body)
    except GuardError:
        kind = media.partition(b";")[0].strip().lower()
        if kind.startswith(b"text/"):
            return _redact_text(profile, body)
        raise UnsearchableAnswer(f"{kind.decode('latin-1')} that is not JSON") from None
    suspects = profile.suspects(found)
    if not may_hide and not suspects:
        return AnswerRedaction(body, {}, None)
    value = orjson.loads(body)
    walker = Walker(profile, profile.redact_each(found, suspects))
    redacted = walker.tree(value, None)
    if walker.blocked is not None:
        return AnswerRedaction(b"", walker.findings, walker.blocked)
    if not walker.findings:
        return AnswerRedaction(body, {}, None)
    if walker.has_logprobs:
        drop_logprobs(redacted)
    return AnswerRedaction(orjson.dumps(redacted), walker.findings, None)


def searched_texts(body: bytes) -> tuple[bytes, bool]:
    """All texts of a JSON text, see `jsonguard.texts`, and whether there is more than these one by one: JSON inside a
    string that holds escapes, which one unescaping has left in place, or token texts, which are to be read together.

    Raises GuardError.
    """
    found, names = texts_and_names(body, MAX_DEPTH, _TELLING)
    # `find`, because `in` takes its operand for a number first, which costs an exception for each event.
    return found, names != 0 and (names & _TOKENS != 0 or found.find(b"\\") >= 0)


def _redact_text(profile: Profile, body: bytes) -> AnswerRedaction:
    try:
        body.decode()
    except UnicodeDecodeError:
        raise UnsearchableAnswer("text that is not UTF-8") from None
    result = profile.redact(body)
    return AnswerRedaction(b"" if result.blocked else result.text, result.findings, result.blocked)
