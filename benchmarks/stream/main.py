"""The report: microseconds an event, hold-back, and leaks of a redactor of single pieces."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.main import default_profile
from benchmarks.report import middle, table, write_json
from benchmarks.stats import spread
from benchmarks.stream.chart import draw
from benchmarks.stream.rivals import Cost, HoldBack, hold_back, leaks, whole
from benchmarks.stream.texts import answers, tokens
from engine.redaction.profile import Profile
from engine.redaction.stream import RedactedStream

# Of ordinary prose about the current word is held back: the median, in characters.
MEDIAN_FLOOR = 12

_SIZE = 12_000
_MAX_HELD = 1 << 20


def _event(piece: str) -> bytes:
    delta: dict[str, Any] = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}],
    }
    return b"data: " + json.dumps(delta, separators=(",", ":")).encode() + b"\n\n"


def redacted(profile: Profile, events: Sequence[bytes]) -> bytes:
    """A stream through the gateway's redaction, one read an event."""
    stream = RedactedStream(profile, _MAX_HELD)
    return b"".join([*map(stream.feed, events), stream.finish()])


def _naive(profile: Profile, events: Sequence[bytes]) -> bytes:
    out = []
    for event in events:
        data = json.loads(event[6:])
        delta = data["choices"][0]["delta"]
        delta["content"] = profile.redact(delta["content"].encode()).text.decode()
        out.append(b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n")
    return b"".join(out)


def _held(profile: Profile, events: Sequence[bytes]) -> bytes:
    text = "".join(json.loads(event[6:])["choices"][0]["delta"]["content"] for event in events)
    return _event(profile.redact(text.encode()).text.decode())


def cost(profile: Profile, name: str, pieces: Sequence[str], rounds: int) -> Cost:
    """CPU microseconds an event of each way; the ways take turns."""
    events = [_event(piece) for piece in pieces]
    ways: dict[str, Callable[[Profile, Sequence[bytes]], bytes]] = {
        "tidegate": redacted,
        "whole at the end": _held,
        "each piece by itself": _naive,
    }
    values: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, run in ways.items():
            begin = time.thread_time()
            run(profile, events)
            # The first turn compiles what this text asks for.
            if number:
                values[way].append((time.thread_time() - begin) / len(events) * 1e6)
    return Cost(name, len(events), {way: found for way, each in values.items() if (found := spread(each)) is not None})


def _row(text: str, way: str, held: HoldBack) -> list[str]:
    return [text, way, *map(str, held.characters), *map(str, held.pieces)]


def main(*, rounds: int, out: Path, progress: Callable[[str], None]) -> bool:
    """Measures everything. Whether the hold-back on prose keeps to its floor. Raises BenchmarkError."""
    profile = default_profile()
    costs: list[Cost] = []
    held: dict[str, dict[str, HoldBack]] = {}
    leaked: dict[str, tuple[int, int]] = {}
    for name, text in answers(_SIZE).items():
        progress(name)
        pieces = list(tokens(text))
        costs.append(cost(profile, name, pieces, rounds))
        held[name] = {"tidegate": hold_back(profile, pieces), "whole at the end": whole(pieces)}
        leaked[name] = leaks(profile, pieces)
    ways = list(costs[0].us)
    rows = [[each.text, str(each.events), *(middle(each.us[way], 1) for way in ways)] for each in costs]
    print(f"{table(('text', 'events', *ways), rows)}\n\nCPU microseconds an event, one read an event\n")
    head = ("text", "way", "median", "p99", "most", "median", "p99", "most")
    rows = [_row(name, way, each) for name, both in held.items() for way, each in both.items()]
    print(f"{table(head, rows, left=2)}\n\nheld back after an event: characters, then tokens\n")
    for name, (left, values) in leaked.items():
        if values:
            print(f"{name}: each piece by itself lets {left} of {values} values leave whole; tidegate lets none")
    median = held["prose"]["tidegate"].characters[0]
    print(
        f"\n{'held' if median <= MEDIAN_FLOOR else 'MISSED'}: of prose at most {MEDIAN_FLOOR} characters in the median"
    )
    write_json(out / "stream.json", {"rounds": rounds, "costs": costs, "held": held, "leaks": leaked})
    draw(out / "stream.svg", costs, {name: both["tidegate"].characters for name, both in held.items()})
    print(f"\nwritten: {out / 'stream.json'} and {out / 'stream.svg'}")
    return median <= MEDIAN_FLOOR
