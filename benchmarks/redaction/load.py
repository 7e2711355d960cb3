"""What a pack costs before the first text: run as a program, it prints one line of JSON about itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TypedDict

from benchmarks.errors import BenchmarkError

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Load(TypedDict):
    """CPU seconds to read the rules and to make their automata; bytes of resident memory that both added."""

    rules: int
    build: float
    search: float
    memory: int


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def measure() -> Load:
    """In a process of its own, which nothing has warmed. Raises BenchmarkError."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.redaction.load"], capture_output=True, text=True, check=False, timeout=120
    )
    if done.returncode:
        raise BenchmarkError(f"the load of the pack could not be measured: {done.stderr.strip()}")
    load: Load = json.loads(done.stdout)
    return load


def _main() -> None:
    from engine.redaction.ruleset import build
    from engine.redaction.search import search_of

    before = _resident()
    start = time.process_time()
    ruleset = build()
    built = time.process_time()
    search_of(ruleset.rules)
    searched = time.process_time()
    load = Load(rules=len(ruleset.rules), build=built - start, search=searched - built, memory=_resident() - before)
    print(json.dumps(load))


if __name__ == "__main__":
    _main()
