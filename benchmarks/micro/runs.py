"""runs: tokens of base64 in a clean answer, beside the oracle's regular expression."""

from __future__ import annotations

from string import ascii_letters, digits

from benchmarks import payloads
from benchmarks.micro.timing import Case, Contender
from engine._fast.jsonguard import texts
from engine._fast.runs import Tokens
from tests.fast.oracles import runs as oracle

_MEMBERS = f"{ascii_letters}{digits}+/_-".encode()
_LEAST, _LONGEST = 12, 2048


def cases() -> list[Case]:
    """A clean answer's strings, which have no such token."""
    text = texts(payloads.ANSWER, 64)
    kernel = Tokens(_MEMBERS, _LEAST, _LONGEST, b"=", base64=True)

    def by_kernel(text: bytes) -> tuple[int, int] | None:
        return kernel.find(text, 0, len(text))

    def by_oracle(text: bytes) -> tuple[int, int] | None:
        return oracle.find(_MEMBERS, _LEAST, _LONGEST, b"=", b"", True, text, 0)

    return [
        Case(
            "runs: tokens in a clean answer",
            [
                Contender(way, "find(text)", {"find": find, "text": text})
                for way, find in (("kernel", by_kernel), ("oracle", by_oracle))
            ],
            size=len(text),
        )
    ]
