"""jsonline: a short record, beside encoders that know the shape beforehand or not."""

from __future__ import annotations

import json

import msgspec
import orjson

from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonline import Line

_RECORD = {"time": "2026-01-02T03:04:05.678Z", "status": 200, "path": "/v1/chat/completions", "answer_bytes": 1312}


def _write(line: Line, record: dict[str, object]) -> bytes:
    line.begin()
    line.raw(b'{"time":')
    line.text(str(record["time"]))
    line.raw(b',"status":')
    line.number(int(str(record["status"])))
    line.raw(b',"path":')
    line.text(str(record["path"]))
    line.raw(b',"answer_bytes":')
    line.number(int(str(record["answer_bytes"])))
    line.raw(b"}")
    return line.take()


def cases() -> list[Case]:
    """A record of four members. The kernel is called from Python here; the audit log calls it from C."""
    given = {"record": _RECORD}
    encode = msgspec.json.Encoder().encode
    return [
        Case(
            "a record of four members",
            [
                Contender("kernel", "write(line, record)", {**given, "write": _write, "line": Line()}, json.loads),
                Contender("json (oracle)", "dumps(record)", {**given, "dumps": json.dumps}, json.loads),
                Contender("msgspec", "encode(record)", {**given, "encode": encode}, json.loads),
                Contender("orjson", "dumps(record)", {**given, "dumps": orjson.dumps}, json.loads),
            ],
        )
    ]
