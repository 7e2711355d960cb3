"""jsonguard: the strict reading of a request and of an answer, and the typed decoding built on it, beside `json`."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast import jsonguard
from engine.validation.decode import Bounds, decode
from tests.fast.oracles import jsonguard as oracle

_MAX_DEPTH = 64


def _nothing(_: Any) -> None:
    """A plain reader gives a value where the guard gives nothing; that it did not refuse is what is compared."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def json_strict(body: bytes) -> Any:
    """The nearest that `json` comes to the guard: duplicate keys refused. Depth, Infinity and surrogates are not."""
    return json.loads(body, object_pairs_hook=_refuse_duplicates)


# Left out by the kernel, see there.
_COUNT = re.compile("[a-z_]*_tokens(?:_details)?")


def _strings(value: Any, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in value:
            _strings(item, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not _COUNT.fullmatch(key):
                found.append(key)
            _strings(item, found)


def json_texts(body: bytes) -> bytes:
    """All strings of a JSON text by way of orjson, in the form of `jsonguard.texts`."""
    found: list[str] = []
    _strings(orjson.loads(body), found)
    return "".join([text + "\n\0\n" for text in found]).encode()


def cases() -> list[Case]:
    """Guard of a request, typed decoding of it, all strings of an answer."""
    request, answer = payloads.REQUEST, payloads.ANSWER
    depth = {"body": request, "depth": _MAX_DEPTH}
    return [
        Case(
            "jsonguard: check a request",
            [
                Contender("kernel", "check(body, depth)", depth | {"check": jsonguard.check}),
                Contender("oracle", "check(body, depth)", depth | {"check": oracle.check}),
                Contender("json + duplicates", "loads(body)", {"loads": json_strict, "body": request}, _nothing),
                Contender("json (no check)", "loads(body)", {"loads": json.loads, "body": request}, _nothing),
                Contender("orjson (no check)", "loads(body)", {"loads": orjson.loads, "body": request}, _nothing),
            ],
            size=len(request),
        ),
        Case(
            "decode: guard and typed request",
            [
                Contender(
                    "kernel + msgspec",
                    "decode('chat', body, bounds)",
                    {"decode": decode, "body": request, "bounds": Bounds()},
                    lambda chat: chat.model,
                ),
                Contender(
                    "json + duplicates",
                    "loads(body)",
                    {"loads": json_strict, "body": request},
                    lambda chat: chat["model"],
                ),
                Contender(
                    "json (no check)", "loads(body)", {"loads": json.loads, "body": request}, lambda chat: chat["model"]
                ),
            ],
            size=len(request),
        ),
        Case(
            "jsonguard: texts of an answer",
            [
                Contender("kernel", "texts(body)", {"texts": jsonguard.texts, "body": answer}),
                Contender("oracle", "texts(body)", {"texts": oracle.texts, "body": answer}),
                Contender("orjson + walk", "texts(body)", {"texts": json_texts, "body": answer}),
            ],
            size=len(answer),
        ),
    ]
