"""Taking log-probabilities out of an answer, or their precision, whether the request asked for them or not.

They are the raw material of the published model-stealing attacks (Carlini et al. 2024, "Stealing Part of a Production
Language Model"; Finlayson et al. 2024), so where a role strips them the answer is not trusted to lack them because
the request did not ask. Those attacks solve for a model's output layer and need several digits; one digit behind the
point is enough to show how sure a model is.
"""

from __future__ import annotations

from typing import Any, Final


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


# Where log-probabilities stand, in all dialects.
NAMES: Final = ("logprobs", "prompt_logprobs")
# Digits behind the point that are left of a rounded one.
DIGITS: Final = 1


def round_logprobs(answer: Any) -> bool:
    """Round every log-probability in a parsed answer or event of a stream to one digit behind the point, in place;
    whether there were any that had more."""
    changed = False
    pending = [answer]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            for name, value in node.items():
                if name in NAMES and value:
                    node[name], rounded = _rounded(value)
                    changed |= rounded
                else:
                    pending.append(value)
    return changed


def _rounded(value: Any) -> tuple[Any, bool]:
    """The value with its numbers rounded, and whether that made a difference; offsets and bytes are whole already."""
    if isinstance(value, float):
        near = round(value, DIGITS)
        return near, near != value
    if isinstance(value, list):
        pairs = [_rounded(item) for item in value]
        return [item for item, _ in pairs], any(changed for _, changed in pairs)
    if isinstance(value, dict):
        named = {name: _rounded(item) for name, item in value.items()}
        return {name: item for name, (item, _) in named.items()}, any(changed for _, changed in named.values())
    return value, False


def _drop_from_item(item: Any) -> bool:
    changed = False
    if isinstance(item, dict):
        for part in _dicts(item.get("content")):
            changed |= _clear(part)
    return changed


def _clear(holder: Any) -> bool:
    changed = False
    if isinstance(holder, dict):
        for name in NAMES:
            value = holder.get(name)
            if value:
                holder[name] = [] if isinstance(value, list) else None
                changed = True
    return changed


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
