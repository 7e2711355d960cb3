"""unusual: a clean answer, beside the oracle and a search for the first unusual byte by `re`."""

from __future__ import annotations

import re

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonguard import texts
from engine._fast.unusual import unusual
from tests.fast.oracles import unusual as oracle


def cases() -> list[Case]:
    """A clean answer's strings, without what stands between them."""
    text = texts(payloads.ANSWER, 64).replace(b"\0", b"")
    search = re.compile(rb"[^\t\n\r -~]").search

    def by_re(text: bytes) -> int:
        return 0 if search(text) is None else -1

    ways = (("kernel", unusual), ("re", by_re), ("oracle", oracle.unusual))
    return [
        Case(
            "unusual: a clean answer",
            [Contender(way, "find(text)", {"find": find, "text": text}) for way, find in ways],
            size=len(text),
        )
    ]
