"""What the mock model says: a reply decided by the request's text alone, so that every run gives the same answer.

The last user text of a request is read as a script:

    say: TEXT            the reply is TEXT, as it stands
    call: NAME {JSON}    the reply is a call of the tool NAME with these arguments
    fail: STATUS         the upstream fails with this HTTP status (400 to 599)
    ... record ...       any text with the word "record": a made-up customer's record, full of what a redaction hides
    anything else        a sentence that counts the words it was given

Personal data and credentials in the record are the publishers' own examples and open no account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

RECORD: Final = (
    "Customer 42: Ana Example, ana@example.com, phone +1 415 555 0132, "
    "card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, key AKIAIOSFODNN7EXAMPLE."
)

_CALL: Final = re.compile(r"([A-Za-z0-9_-]{1,64})\s*(\{.*\})?\s*", re.DOTALL)
_FAIL: Final = re.compile(r"\s*([45][0-9]{2})\s*")
_WORDS: Final = re.compile(r"\S+\s*")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model. `tool` is set for a tool call, whose `text` is its arguments as a JSON text;
    `status` is 200, or the HTTP status that the upstream fails with."""

    text: str
    tool: str | None = None
    status: int = 200


def reply(prompt: str) -> Reply:
    """The reply to a prompt, by the script in this module's head. Total: every text has one."""
    verb, separator, rest = prompt.strip().partition(":")
    if separator:
        if verb == "say":
            return Reply(rest.strip())
        if verb == "call" and (call := _CALL.fullmatch(rest.strip())):
            return Reply(call[2] or "{}", tool=call[1])
        if verb == "fail" and (failure := _FAIL.fullmatch(rest)):
            return Reply(f"failing with {failure[1]}, as asked", status=int(failure[1]))
    if re.search(r"\brecord\b", prompt):
        return Reply(RECORD)
    return Reply(f"The mock model read {tokens(prompt)} words.")


def pieces(text: str) -> Iterator[str]:
    """The text cut as a stream sends it: a word and the space behind it at a time. Joined, it is the text again."""
    end = len(text) - len(text.lstrip())
    if end:
        yield text[:end]
    for word in _WORDS.finditer(text, end):
        yield word[0]


def tokens(text: str) -> int:
    """A stand-in for a tokenizer: the number of words."""
    return len(text.split())


def text_of(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts of which those with text count."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(text_of(part.get("text")) if isinstance(part, dict) else text_of(part) for part in content)
    return ""


def last_user_text(messages: Any) -> str:
    """The text of the last message of the user, or "" where there is none."""
    if isinstance(messages, str):
        return messages
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and message.get("role") == "user":
            return text_of(message.get("content"))
    return ""
