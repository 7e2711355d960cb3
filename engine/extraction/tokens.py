"""How many tokens a text may be, without a tokenizer: fast, and never far too low.

Theory. Byte-pair encodings of today take 3 to 5 bytes of ASCII text or code to a token, and about 2 to 3 bytes of other
scripts: so a third of the ASCII bytes and half of the others. Measured, as a multiple of the real number in cl100k_base
and o200k_base: English prose 1.2, Python and C 1.2 to 1.4, Chinese 1.2 and 2.2, Japanese 1.3 and 1.9, Korean 1.3 and
2.0, Russian 2.0 and 5.0; deeply indented JSON 0.7, hexadecimal 0.6, base64 or punctuation without words 0.5, the lowest
found. What is estimated here is held until the upstream says what it was, so an error costs room for a moment, not
money.

Images, sound and files inside a request are not text: they stand for MEDIA_TOKENS each and a little for their size.
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec
import msgspec.structs
import orjson

from engine.extraction.spellings import spellings

_ASCII: Final = bytes(range(128))
# An image in high detail is 765 tokens (OpenAI, 1024 x 1024) to some 1,600 (Anthropic, its largest).
MEDIA_TOKENS: Final = 1600
# A page of a PDF is some 2,000 tokens and 50 to 200 KB of base64.
_MEDIA_BYTES_PER_TOKEN: Final = 100
# Below this a body cannot hold a media part that would matter.
_MEDIA_BODY: Final = 4096

_CAPS: Final = tuple(spelling[0] for spelling in spellings("max_tokens"))
_COUNTS: Final = tuple(spelling[0] for spelling in spellings("n"))
_asked = msgspec.json.Decoder(
    msgspec.defstruct("Asked", [(name, Any, None) for name in _CAPS + _COUNTS], frozen=True, gc=False)
).decode

# Where the text of an answer stands, in all dialects; everything else in an answer is names and numbers.
_TEXT: Final = frozenset(
    (
        "content",
        "text",
        "reasoning_content",
        "reasoning",
        "refusal",
        "arguments",
        "partial_json",
        "thinking",
        "delta",
        "output_text",
    )
)


def estimate(text: bytes) -> int:
    """Tokens of UTF-8 text, rounded up."""
    size = len(text)
    if text.isascii():
        return -(-size // 3)
    wide = len(text.translate(None, _ASCII))
    return -(-(size - wide) // 3) + -(-wide // 2)


def estimate_request(body: bytes) -> int:
    """Tokens of a JSON request, its field names and brackets counted like text: they stand for what a template adds."""
    if len(body) < _MEDIA_BODY or not (b'"data' in body or b'"file_data"' in body):
        return estimate(body)
    try:
        sizes = _media(orjson.loads(body))
    except orjson.JSONDecodeError:
        return estimate(body)
    # Base64 is ASCII: its share of the estimate is known.
    return max(estimate(body) - sum(size // 3 for size in sizes), 0) + sum(
        MEDIA_TOKENS + size // _MEDIA_BYTES_PER_TOKEN for size in sizes
    )


def _media(value: Any) -> list[int]:
    """The sizes of the base64 texts that stand where a dialect has its images, sounds and files."""
    sizes = []
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            for key, item in node.items():
                if isinstance(item, str):
                    is_media = (key in ("url", "image_url") and item.startswith("data:")) or (
                        key == "file_data" or (key == "data" and ("format" in node or "media_type" in node))
                    )
                    if is_media:
                        sizes.append(len(item))
                elif isinstance(item, dict | list):
                    pending.append(item)
    return sizes


def output_asked(body: bytes) -> tuple[int | None, int]:
    """What a JSON request asks for: the largest cap on an answer's tokens, None without one, and how many answers."""
    try:
        asked = _asked(body)
    except msgspec.MsgspecError:
        return None, 1
    cap, count = None, 1
    for place, value in enumerate(msgspec.structs.astuple(asked)):
        number = _number(value) if value is not None else None
        if number is None:
            continue
        if place >= len(_CAPS):
            count = max(count, number)
        elif cap is None or number > cap:
            cap = number
    return cap, count


def _number(value: Any) -> int | None:
    """A whole number that is not negative; servers take -1 for "no bound"."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return math.ceil(value)


def answer_tokens(data: bytes) -> int:
    """Tokens of the text in a JSON answer or in the data of an event; 0 for what is neither. Repeats of a whole at the
    end of a stream are not counted again."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return 0
    if not isinstance(value, dict):
        return 0
    kind = value.get("type")
    if "choices" in value:
        value = value["choices"]
    elif isinstance(kind, str) and ("." in kind or "_" in kind):
        # Events of Responses ("response.output_text.delta") and of Anthropic ("content_block_delta").
        if not kind.endswith("delta"):
            return 0
        value = {"delta": value.get("delta")}
    parts: list[str] = []
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            for key, item in node.items():
                if isinstance(item, str):
                    if key in _TEXT:
                        parts.append(item)
                elif isinstance(item, dict | list):
                    pending.append(item)
    return estimate("".join(parts).encode("utf-8", "replace"))
