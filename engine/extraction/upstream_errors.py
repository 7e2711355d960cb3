"""What an upstream's error gives away beside what went wrong: hosts, paths, versions, keys and ids of its operator.

Rules. Only the texts of an error are changed, never its shape or status; what stands in the place of something names
what it was. Public addresses, such as those of a provider's documentation, stay. An error that is no text is not passed
on.
The time is linear in the length of the error.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import orjson

_INTERNAL: Final = r"local|localhost|localdomain|internal|intranet|lan|corp|private|svc|cluster|home\.arpa"
_PORT: Final = r"(?::\d{1,5})?"
# In this order: what stands first is taken first.
_PATTERNS: Final = {
    # A provider repeats the credential that it refused, which is the gateway's own, with stars in its middle.
    "key": r"\b(?:sk|pk|rk|gsk|xai|key)-[A-Za-z0-9_*.-]{6,}[A-Za-z0-9*]|\bAIza[A-Za-z0-9_-]{20,}"
    r"|\bBearer +[A-Za-z0-9._~+/*=-]{6,}",
    "id": r"\b(?:org|proj|acct|wrkspc|user)[-_][A-Za-z0-9]{8,}\b",
    "url": rf"\bhttps?://(?:[A-Za-z0-9-]{{1,63}}|[A-Za-z0-9.-]{{1,100}}\.(?:{_INTERNAL}))(?![A-Za-z0-9.-]){_PORT}"
    r"(?:/[^\s\"'<>)]*)?",
    "host": rf"\b(?:\d{{1,3}}\.){{3}}\d{{1,3}}\b{_PORT}|\[[0-9A-Fa-f.]{{0,40}}:[0-9A-Fa-f:.]{{0,40}}\]{_PORT}"
    rf"|\b[A-Za-z0-9][A-Za-z0-9.-]{{0,100}}\.(?:{_INTERNAL})(?![A-Za-z0-9.-]){_PORT}|\blocalhost\b{_PORT}",
    "path": r"(?<![\w/.:])/(?:usr|opt|home|root|app|srv|var|etc|tmp|mnt|data|workspace)/[^\s\"'<>),;]+",
    "software": r"\b[A-Za-z][A-Za-z0-9_.-]{1,30}/v?\d{1,4}(?:\.\d{1,6}){1,3}\b",
}
_SEARCH: Final = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _PATTERNS.items()))
_TRACEBACK: Final = "Traceback (most recent call last)"


def scrub(text: str, host: str) -> str:
    """A text of an error without what it gives away. `host` is the upstream's own."""
    at = text.find(_TRACEBACK)
    if at >= 0:
        text = text[:at].rstrip() or "The upstream failed."
    text = _SEARCH.sub(lambda match: f"[{match.lastgroup}]", text)
    return text.replace(host, "[host]") if host else text


# Of an error that is longer nothing is passed on. Frameworks repeat the request in theirs, but not all of a large one.
MAX_ERROR: Final = 64 << 10


def scrub_error(body: bytes, host: str) -> bytes | None:
    """The body of an error without what it gives away; the same object where nothing had to change. None for what is
    neither JSON nor text, or too long."""
    if len(body) > MAX_ERROR:
        return None
    try:
        error = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return None
        scrubbed = scrub(text, host)
        return body if scrubbed == text else scrubbed.encode()
    scrubbed = _tree(error, host)
    return body if scrubbed == error else orjson.dumps(scrubbed)


REPLACED: Final = "The upstream refused the request or failed."
# What stands somewhere in an event that has an error, in any dialect; and how a letter of it may be written in JSON.
_MARKS: Final = (b"error", b"\\u00")


def may_have_error(text: bytes) -> bool:
    """Whether a part of a stream may have an error; nearly none of a working upstream does."""
    return text.find(_MARKS[0]) >= 0 or text.find(_MARKS[1]) >= 0


def scrub_event(data: bytes, is_error: bool, host: str) -> bytes:
    """The data of a stream's event without what an error in it gives away; the same object where nothing had to change.

    An error is the member `error` of an event (OpenAI's chat, Anthropic) or of its `response`, or all of an event
    whose type is `error` (Responses), or that `is_error` by the name of the event. What begins as an object and is not
    JSON has no members to tell apart, and is scrubbed as a whole.
    """
    try:
        return _with_errors(data, is_error, lambda error: _tree(error, host))
    except orjson.JSONDecodeError:
        if not is_error and not data.startswith(b"{"):
            return data
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _OWN
    scrubbed = scrub(text, host)
    return data if scrubbed == text else b" ".join(scrubbed.encode().splitlines())


def replace_event(data: bytes, is_error: bool) -> bytes:
    """The same with a text of its own in the place of all that an error says, but for its type and code."""
    try:
        return _with_errors(data, is_error, _replaced)
    except orjson.JSONDecodeError:
        return _OWN if is_error or data.startswith(b"{") else data


def _with_errors(data: bytes, is_error: bool, change: Callable[[Any], Any]) -> bytes:
    event = orjson.loads(data)
    changed = False
    if isinstance(event, dict):
        for holder in (event, event.get("response")):
            if isinstance(holder, dict) and holder.get("error") is not None:
                error = change(holder["error"])
                changed |= error != holder["error"]
                holder["error"] = error
        is_error = (is_error or event.get("type") == "error") and "error" not in event
    if is_error:
        event, before = change(event), event
        changed |= event != before
    return orjson.dumps(event) if changed else data


def _replaced(error: Any) -> Any:
    if not isinstance(error, dict):
        return REPLACED
    kept = {name: error[name] for name in ("type", "code", "sequence_number") if name in error}
    return {**kept, "message": REPLACED}


_OWN: Final = orjson.dumps({"error": {"type": "server_error", "message": REPLACED}})


def _tree(value: Any, host: str) -> Any:
    if isinstance(value, str):
        return scrub(value, host)
    if isinstance(value, list):
        return [_tree(item, host) for item in value]
    if isinstance(value, dict):
        return {name: _tree(item, host) for name, item in value.items()}
    return value
