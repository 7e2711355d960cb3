"""The labelled corpus: texts with the places of what is in them, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from benchmarks.quality.formats import FIXED, NAMED
from benchmarks.quality.sentences import AROUND, PROSE, clean


class Sample(NamedTuple):
    """A text and, where it holds one, its value: kind, and start and end in code points. No kind: nothing is in it."""

    text: str
    kind: str = ""
    start: int = 0
    end: int = 0


def _around(sentence: str, value: str, kind: str) -> Sample:
    start = sentence.format(v="\0").index("\0")
    return Sample(sentence.format(v=value), kind, start, start + len(value))


def fixed(each: int, seed: int = 1) -> Iterator[Sample]:
    """`each` values of every kind of fixed form, in sentences of all registers in turn."""
    rng = random.Random(seed)  # noqa: S311 - to be repeated, not to be guessed
    for kind, draw in FIXED.items():
        for number in range(each):
            yield _around(AROUND[number % len(AROUND)], draw(rng), kind)


def named(each: int, seed: int = 2) -> Iterator[Sample]:
    """`each` values of every kind that only its name gives away, in the sentences of that kind in turn."""
    rng = random.Random(seed)  # noqa: S311
    for kind, (draw, sentences) in NAMED.items():
        for number in range(each):
            yield _around(sentences[number % len(sentences)], draw(rng), kind)


def negatives(count: int, seed: int = 3) -> Iterator[Sample]:
    """All prose, and `count` texts that look like something and are nothing."""
    rng = random.Random(seed)  # noqa: S311
    yield from map(Sample, PROSE)
    yield from map(Sample, islice(clean(rng), count))
