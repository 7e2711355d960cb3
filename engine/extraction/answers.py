"""Taking log-probabilities out of an answer, whether it asked for them or not.

They are the raw material of the published model-stealing attacks (Carlini et al. 2024, "Stealing Part of a Production
Language Model"; Finlayson et al. 2024), so where a role strips them the answer is not trusted to lack them because
the request did not ask.
"""

from __future__ import annotations

from typing import Any


def drop_logprobs(answer: Any) -> bool:
    """Take the log-probabilities out of a parsed answer or event of a stream, in place; whether there were any.

    Knows chat and legacy completions (``choices[].logprobs``, ``prompt_logprobs``) and the Responses API (``logprobs``
    of text parts and of text events). The field stays, as null or an empty list, where SDKs expect it.
    """
    if not isinstance(answer, dict):
        return False
    changed = _clear(answer)
    for choice in _dicts(answer.get("choices")):
        changed |= _clear(choice)
    changed |= _drop_from_item(answer.get("item")) | _clear(answer.get("part"))
    response = answer.get("response")
    for holder in (answer, response if isinstance(response, dict) else {}):
        for item in _dicts(holder.get("output")):
            changed |= _drop_from_item(item)
    return changed


def _drop_from_item(item: Any) -> bool:
    changed = False
    if isinstance(item, dict):
        for part in _dicts(item.get("content")):
            changed |= _clear(part)
    return changed


def _clear(holder: Any) -> bool:
    changed = False
    if isinstance(holder, dict):
        for name in ("logprobs", "prompt_logprobs"):
            value = holder.get(name)
            if value:
                holder[name] = [] if isinstance(value, list) else None
                changed = True
    return changed


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
