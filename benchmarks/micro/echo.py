"""echo: words of a prompt in an answer, and what of an answer so far could become some, beside the oracle."""

from __future__ import annotations

import orjson

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.echo import Echo
from engine._fast.jsonguard import texts
from tests.fast.oracles import echo as oracle

_MOST = 8192


def cases() -> list[Case]:
    """A clean answer under the instructions of its request, whole and at its end."""
    prompt = orjson.loads(payloads.REQUEST)["messages"][0]["content"].encode()
    answer = texts(payloads.ANSWER, 64)
    kernel, plain = Echo([prompt], _MOST), oracle.Echo([prompt], _MOST)
    return [
        Case(
            "echo: a prompt in a clean answer",
            [
                Contender(way, "find(text, 0, end)", {"find": echo.find, "text": answer, "end": len(answer)})
                for way, echo in (("kernel", kernel), ("oracle", plain))
            ],
            size=len(answer),
        ),
        Case(
            "echo: what an answer could go on to",
            [
                Contender(way, "tail(text, 0)", {"tail": echo.tail, "text": answer})
                for way, echo in (("kernel", kernel), ("oracle", plain))
            ],
        ),
    ]
