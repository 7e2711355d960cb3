"""The report: nanoseconds a byte, load, growth, and their floors."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from pathlib import Path

from benchmarks.redaction.chart import draw
from benchmarks.redaction.load import measure as measure_load
from benchmarks.redaction.texts import WORST, english, prose, worst
from benchmarks.report import number, table, write_json
from benchmarks.stats import Spread, spread
from engine.redaction.profile import Profile, compile_profile
from engine.redaction.ruleset import build

# Nanoseconds a byte of ordinary English with the whole pack, and how many times that dirty text may take.
CLEAN_FLOOR = 1.5
DIRTY_TIMES = 3.0
# Time that grows as the text does has the exponent 1; the rest is what a cache makes of it.
GROWTH_CEILING = 1.25

_SIZE = 4096
# So many texts of a kind take turns, so that the processor does not know what comes next.
_TURNS = 64
_SIZES = (4096, 16384, 65536)
# Findings in a kilobyte.
_DIRT = (0.0, 0.25, 1.0, 4.0)
# With these many the floor is held, or it is not.
_FLOOR_DIRT = (0.0, 1.0)
_ENGLISH = "ordinary English"
_TEXTS = {_ENGLISH: english, "prose full of numbers and announcing words": prose}
_PACKS = (10, 50, 150)
# What a policy gets that names no groups of hazards.
_DEFAULT = ("pii", "secrets", "private_key")
_SLICE = 0.02


@dataclass(frozen=True)
class Cell:
    """Nanoseconds a byte with so many rules, of a text of this kind with so many findings in a kilobyte."""

    rules: int
    text: str
    dirt: float
    ns: Spread


@dataclass(frozen=True)
class Growth:
    """Nanoseconds a byte at each size, and the exponent of time over size."""

    text: str
    ns: tuple[float, ...]
    exponent: float


def _profile(count: int | None) -> Profile:
    """Of `count` rules, spread over all families; None: of all."""
    rules = build().rules
    chosen = rules if count is None else rules[:: len(rules) // count][:count]
    return compile_profile("bench", {rule.id: "mask" for rule in chosen}, build(), bytes(32))


def _default() -> Profile:
    """Of all rules but the hazards and the encoded forms, which are off by default."""
    return compile_profile("bench", dict.fromkeys(_DEFAULT, "mask"), build(), bytes(32))


def _ns(profile: Profile, texts: Sequence[bytes], rounds: int) -> Spread:
    """CPU nanoseconds a byte of texts that take turns."""

    def turn() -> float:
        begin = time.thread_time()
        for text in texts:
            profile.redact(text)
        return time.thread_time() - begin

    turn()
    repeats = max(1, int(_SLICE / max(turn(), 1e-6)))
    size = sum(map(len, texts))
    found = spread([sum(turn() for _ in range(repeats)) / repeats / size * 1e9 for _ in range(rounds)])
    assert found is not None
    return found


def growth(profile: Profile, name: str, sizes: tuple[int, ...] = _SIZES) -> Growth:
    """How the time for a worst-case text grows: the mean exponent between sizes that follow."""
    ns = tuple(_ns(profile, [worst(name, size)], 1).median for size in sizes)
    exponents = [
        1 + log(larger / smaller) / log(to / of)
        for (smaller, larger), (of, to) in zip(pairwise(ns), pairwise(sizes), strict=True)
    ]
    return Growth(name, ns, sum(exponents) / len(exponents))


def main(*, rounds: int, out: Path, progress: Callable[[str], None]) -> bool:
    """Measures everything. Whether the floors are held. Raises BenchmarkError."""
    progress("load")
    load = measure_load()
    texts = {
        (name, dirt): [make(_SIZE, dirt, seed) for seed in range(_TURNS)]
        for name, make in _TEXTS.items()
        for dirt in _DIRT
    }
    cells = []
    profiles = [*(_profile(count) for count in _PACKS), _default(), _profile(None)]
    for profile in profiles:
        for (name, dirt), those in texts.items():
            progress(f"{len(profile.rules)} rules, {name}, {dirt} findings a kilobyte")
            cells.append(Cell(len(profile.rules), name, dirt, _ns(profile, those, rounds)))
    whole = profiles[-1]
    growths = []
    for name in WORST:
        progress(f"worst case: {name}")
        growths.append(growth(whole, name))
    print(
        f"{load['rules']} rules: {load['build']:.2f} s to read and {load['search']:.2f} s to compile, "
        f"{load['memory'] / 2**20:.1f} MiB\n"
    )
    for name in _TEXTS:
        of_text = [cell for cell in cells if cell.text == name]
        rows = [
            [str(len(p.rules)), *(number(c.ns.median, 2) for c in of_text if c.rules == len(p.rules))] for p in profiles
        ]
        print(f"{name}, with so many values in a kilobyte: ns a byte of {_SIZE} bytes\n")
        print(f"{table(('rules', *map(str, _DIRT)), rows)}\n")
    head = ("worst case", *(f"{size // 1024} KB" for size in _SIZES), "exponent")
    print(table(head, [[each.text, *(number(ns, 1) for ns in each.ns), f"{each.exponent:.2f}"] for each in growths]))
    of_whole = {(cell.text, cell.dirt): cell.ns.median for cell in cells if cell.rules == len(whole.rules)}
    clean = of_whole[_ENGLISH, 0.0]
    floors = {
        f"ordinary English at most {CLEAN_FLOOR} ns a byte": clean <= CLEAN_FLOOR,
        **{
            f"{name} with {dirt} values a kilobyte at most {DIRTY_TIMES} times that": ns <= DIRTY_TIMES * CLEAN_FLOOR
            for (name, dirt), ns in of_whole.items()
            if dirt in _FLOOR_DIRT
        },
        f"time grows at most as size to the {GROWTH_CEILING}": all(e.exponent <= GROWTH_CEILING for e in growths),
    }
    print("\n" + "\n".join(f"{'held' if held else 'MISSED'}: {floor}" for floor, held in floors.items()))
    write_json(
        out / "redaction.json",
        {"load": load, "cells": cells, "growth": growths, "sizes": _SIZES, "floors": floors},
    )
    draw(
        out / "redaction.svg",
        [
            (f"{len(p.rules)} rules, {name}", [c.ns for c in cells if c.rules == len(p.rules) and c.text == name])
            for p in profiles
            for name in _TEXTS
        ],
        _DIRT,
        [(each.text, each.ns) for each in growths],
        _SIZES,
    )
    print(f"\nwritten: {out / 'redaction.json'} and {out / 'redaction.svg'}")
    return all(floors.values())
