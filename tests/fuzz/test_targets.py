"""The short form of `make fuzz`: each target over its seeds, damaged in ways that are the same in every run."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS

ROUNDS = 600
_PIECES = [
    b"\r\n",
    b"\n",
    b"\x00",
    b"\xff",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\\u0000",
    b"1e999",
    b" ",
    b"a",
    b"-",
]
# Bytes that once broke a target.
FOUND: dict[str, list[bytes]] = {name: [] for name in TARGETS}


def damaged(seed: bytes, source: random.Random) -> bytes:
    data = bytearray(seed)
    for _ in range(source.randrange(1, 5)):
        at = source.randrange(len(data) + 1)
        match source.randrange(4):
            case 0:
                data[at:at] = source.choice(_PIECES)
            case 1:
                del data[at : at + source.randrange(8)]
            case 2:
                data[at : at + 1] = bytes([source.randrange(256)])
            case _:
                start = source.randrange(len(data) + 1)
                data[at:at] = data[start : start + source.randrange(20)]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_keeps_its_promise(name: str) -> None:
    target, seeds = TARGETS[name]
    source = random.Random(name)  # noqa: S311 - the same in every run
    for data in seeds + FOUND[name]:
        target(data)
    for _ in range(ROUNDS):
        target(damaged(source.choice(seeds), source))
