"""jsonmembers: which fields a request sets, and one field of an answer, beside parsers that read the whole."""

from __future__ import annotations

import json

import msgspec
import orjson

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonmembers import member, names
from tests.fast.oracles.jsonmembers import pairs


class _Answer(msgspec.Struct):
    usage: msgspec.Raw


def _names(case: str, text: bytes) -> Case:
    return Case(
        case,
        [
            Contender("kernel", "[key.decode() for key in names(text)]", {"names": names, "text": text}),
            Contender("json (oracle)", "[key for key, _ in pairs(text)]", {"pairs": pairs, "text": text}),
            Contender("orjson", "list(loads(text))", {"loads": orjson.loads, "text": text}),
        ],
        size=len(text),
    )


def cases() -> list[Case]:
    """Names of a request of 0.7 KB; `usage` of an answer of 1.3 KB."""
    answer = payloads.ANSWER
    decode = msgspec.json.Decoder(_Answer).decode
    return [
        _names("names of a request's fields", payloads.REQUEST),
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
