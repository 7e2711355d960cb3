"""jsonmembers: which fields a request sets, and one field of an answer, beside parsers that read the whole."""

from __future__ import annotations

import json

import msgspec
import orjson

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonmembers import Names, member, pick
from tests.fast.oracles.jsonmembers import pairs


class _Answer(msgspec.Struct):
    usage: msgspec.Raw


# What a role with bounds asks of a request.
_WANTED = {name: name.decode() for name in (b"max_tokens", b"n", b"logprobs", b"logit_bias")}


def _picked(case: str, text: bytes) -> Case:
    given = {"text": text, "wanted": _WANTED}
    shown = "[(name, value) for name, value in {} if name in wanted.values()]"
    return Case(
        case,
        [
            Contender(
                "kernel",
                "[(name, loads(value)) for name, value in pick(text, names)]",
                {**given, "pick": pick, "names": Names(_WANTED), "loads": json.loads},
            ),
            Contender("json (oracle)", shown.format("pairs(text)"), {**given, "pairs": pairs}),
            Contender("orjson", shown.format("loads(text).items()"), {**given, "loads": orjson.loads}),
        ],
        size=len(text),
    )


def cases() -> list[Case]:
    """Fields of a request of 0.7 KB; `usage` of an answer of 1.3 KB."""
    answer = payloads.ANSWER
    decode = msgspec.json.Decoder(_Answer).decode
    return [
        _picked("what a request sets of four fields", payloads.REQUEST),
        Case(
            "one field of an answer",
            [
                Contender("kernel", "member(text, b'usage')", {"member": member, "text": answer}, json.loads),
                Contender("json (oracle)", "loads(text)['usage']", {"loads": json.loads, "text": answer}),
                Contender("msgspec", "bytes(decode(text).usage)", {"decode": decode, "text": answer}, json.loads),
            ],
            size=len(answer),
        ),
    ]
