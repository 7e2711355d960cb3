"""One parameter, many spellings: how the dialects name what policy calls by one name.

A spelling is a path of field names. Every spelling counts at every endpoint: one that is foreign to a dialect may
still be known to the upstream, which a compatible server often is.

- ``n`` covers ``best_of``: both say how many completions are made.
- ``logprobs`` covers the alternatives (``top_logprobs``), vLLM's ``prompt_logprobs``, and the Responses API's way of
  asking by ``include``. Its value is the number of alternatives, 0 where only the chosen tokens' own are wanted.
- A name without a row is spelled as it is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Spelling = tuple[str, ...]

INCLUDE: Spelling = ("include",)
# What stands in each item that asks for them: `message.output_text.logprobs`, and of a transcription `logprobs`.
_LOGPROBS = "logprobs"

_TABLE: Mapping[str, tuple[Spelling, ...]] = {
    "max_tokens": (("max_tokens",), ("max_completion_tokens",), ("max_output_tokens",), ("max_tokens_to_sample",)),
    "n": (("n",), ("best_of",)),
    "logprobs": (("logprobs",), ("top_logprobs",), ("prompt_logprobs",), INCLUDE),
    "stop": (("stop",), ("stop_sequences",)),
    "reasoning_effort": (("reasoning_effort",), ("reasoning", "effort"), ("output_config", "effort")),
    "response_format": (("response_format",), ("text", "format"), ("output_config", "format"), ("output_format",)),
    "verbosity": (("verbosity",), ("text", "verbosity")),
}


def spellings(name: str) -> tuple[Spelling, ...]:
    """All the ways to spell the parameter that policy calls `name`."""
    return _TABLE.get(name, ((name,),))


def includes_logprobs(item: Any) -> bool:
    """Whether an item of `include` asks for logprobs; one of a form may be a list, written as JSON."""
    return isinstance(item, str) and _LOGPROBS in item


def asked(name: str, spelling: Spelling, value: Any) -> Any:
    """What a request asks for that has `value` at this spelling of `name`; None when it asks for nothing.

    ``null`` and ``false`` ask for nothing: they are the defaults of what takes them.
    """
    if value is None or value is False:
        return None
    if name == "logprobs":
        if spelling == INCLUDE:
            # As an object it comes from a form with the items' numbers in the names: `include[0]`.
            items = value if isinstance(value, list) else value.values() if isinstance(value, dict) else [value]
            return 0 if any(map(includes_logprobs, items)) else None
        if value is True:
            return 0
    return value
