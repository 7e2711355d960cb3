"""What is sent and what comes back: one chat request of about 0.7 KB and its answer of about 1.3 KB.

The text is ordinary prose with digits, dates, hyphens and an at sign's worth of punctuation, but nothing that a rule
hides, so that a proxy with redaction on must hand the answer on byte for byte: the check of each round compares them.
FOUND is the same answer with one e-mail address and one card number in it, for the cost of a finding.
"""

from __future__ import annotations

import json
from typing import Any

MODEL = "gpt-4o-mini"
PATH = "/v1/chat/completions"

_QUESTION = (
    "We are moving the reporting job from the nightly window to a rolling schedule. The job reads about 40,000 rows, "
    "groups them by region and by product line, and writes one summary a region. Please list the three risks that you "
    "would look at first, in order, with one sentence on how each of them could be found before it reaches production. "
    "Leave out anything about cost, and do not suggest another tool."
)

_ANSWER = (
    "Three risks stand out, in this order.\n\n"
    "1. Overlapping runs. A rolling schedule lets a slow run meet the next one, and both then write the "
    "same summary. Take a lease on the region before the first row is read, and count how often the lease "
    "was refused during the first two weeks.\n\n"
    "2. Late rows. Rows that arrive after their region was closed were caught by the nightly window; now "
    "they are not. Compare the totals of the rolling summaries with one full pass over the same day, and "
    "alert when the two differ by more than 0.1 percent.\n\n"
    "3. Uneven load. Grouping 40,000 rows by region is cheap, but two of the regions hold more than half "
    "of them. Measure the time by region, not by run, and split the large ones before anything else is "
    "tuned.\n\n"
    "Start with the first: it is the only one of the three that can write wrong figures without any error "
    "in the log. The other two are slow or visible, and can be handled in the weeks that follow; write "
    "down today's totals as the figures to compare with."
)


def _compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _chat_answer(text: str) -> bytes:
    return _compact(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1760000000,
            "model": MODEL,
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 118, "completion_tokens": 213, "total_tokens": 331},
        }
    )


REQUEST = _compact(
    {
        "model": MODEL,
        "messages": [
            {
                "role": "system",
                "content": "You are a careful reviewer of data pipelines. Answer in plain English, in a numbered list, "
                "and say so when you are not sure.",
            },
            {"role": "user", "content": _QUESTION},
        ],
        "temperature": 0.2,
        "top_p": 1,
        "max_tokens": 400,
        "user": "bench",
    }
)

ANSWER = _chat_answer(_ANSWER)

FOUND = _chat_answer(
    _ANSWER.replace("on the region", "on the region (ask jane.roe@example.com)").replace(
        "before anything else is tuned", "before 4111 1111 1111 1111 is tuned"
    )
)
