"""What an upstream's error gives away beside what went wrong: hosts, paths, versions, keys and ids of its operator.

Rules. Only the texts of an error are changed, never its shape or status; what stands in the place of something names
what it was. Public addresses, such as those of a provider's documentation, stay. An error that is no text is not passed
on.
The time is linear in the length of the error.
"""

from __future__ import annotations

import json
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
    neither JSON nor text, too long or too deep."""
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
    try:
        scrubbed = _tree(error, host)
        return body if scrubbed == error else _written(scrubbed)
    except RecursionError:
        return None


REPLACED: Final = "The upstream refused the request or failed."
# What stands somewhere in an event that has an error, in any dialect; and how a letter of it may be written in JSON.
_MARKS: Final = (b"error", b"\\u00")


def may_have_error(text: bytes) -> bool:
    """Whether a part of a stream may have an error; nearly none of a working upstream does."""
    return text.find(_MARKS[0]) >= 0 or text.find(_MARKS[1]) >= 0


def scrub_event(data: bytes, is_error: bool, host: str) -> bytes:
    """The data of a stream's event without what an error in it gives away; the same object where nothing had to change.

    An error is the member `error` of an event (OpenAI's chat, Anthropic), of its `response` or of one of its `choices`,
    or all of an event whose type (Responses) or object (vLLM) is `error`, or that `is_error` by its name. What begins
    as an object and is not JSON has no members to tell apart, and is scrubbed as a whole. An error that is too long
    is replaced.
    """
    try:
        return _with_errors(data, is_error, lambda error: _scrubbed(error, host))
    except ValueError:
        if not _may_be_one(data, is_error):
            return data
    except RecursionError:
        return _OWN
    if len(data) > MAX_ERROR:
        return _OWN
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _OWN
    scrubbed = scrub(text, host)
    return data if scrubbed == text else b" ".join(scrubbed.encode().splitlines())


def _scrubbed(error: Any, host: str) -> Any:
    return _replaced(error) if len(_written(error)) > MAX_ERROR else _tree(error, host)


def replace_event(data: bytes, is_error: bool) -> bytes:
    """The same with a text of its own in the place of all that an error says, but for its type and code."""
    try:
        return _with_errors(data, is_error, _replaced)
    except ValueError:
        return _OWN if _may_be_one(data, is_error) else data
    except RecursionError:
        return _OWN


def _may_be_one(data: bytes, is_error: bool) -> bool:
    """Whether what is not JSON may be an error."""
    return is_error or data.lstrip().startswith(b"{")


def _with_errors(data: bytes, is_error: bool, change: Callable[[Any], Any]) -> bytes:
    event = _read(data)
    changed = False
    if isinstance(event, dict):
        is_error = is_error or "error" in (event.get("type"), event.get("object"))
        choices = event.get("choices")
        holders = (event, event.get("response"), *(choices if isinstance(choices, list) else ()))
        for holder in () if is_error else holders:
            if isinstance(holder, dict) and holder.get("error") is not None:
                error = change(holder["error"])
                changed |= error != holder["error"]
                holder["error"] = error
    if is_error:
        event, before = change(event), event
        changed = event != before
    return _written(event) if changed else data


# Names of kinds of errors, and numbers; a sentence in their place is none.
_KIND: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _replaced(error: Any) -> Any:
    if not isinstance(error, dict):
        return REPLACED
    kept = {name: error[name] for name in ("type", "object", "code", "sequence_number") if name in error}
    kept = {name: value for name, value in kept.items() if _is_kind(value)}
    inner = error.get("error")
    return {**kept, "message": REPLACED} if inner is None else {**kept, "error": _replaced(inner)}


def _is_kind(value: Any) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, str) and bool(_KIND.fullmatch(value)))


_OWN: Final = orjson.dumps({"error": {"type": "server_error", "message": REPLACED}})


def _read(data: bytes) -> Any:
    """Raises ValueError, RecursionError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # Upstreams send halves of surrogate pairs, where a token ends in one, and NaN: that is no reason to take an
        # event for an error.
        return json.loads(data.decode())


def _written(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        # Half of a surrogate pair, a long number, many levels.
        return json.dumps(value, separators=(",", ":")).encode()


def _tree(value: Any, host: str) -> Any:
    if isinstance(value, str):
        return scrub(value, host)
    if isinstance(value, list):
        return [_tree(item, host) for item in value]
    if isinstance(value, dict):
        return {name: _tree(item, host) for name, item in value.items()}
    return value
