"""`python -m tests.fuzz TARGET [EXECUTIONS]`: one target under atheris, coverage-guided, for a fixed number of runs.

A crash is written to a file by libFuzzer; its bytes belong into `tests/fuzz/test_targets.py`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["engine", "tests.fuzz"]):
    from tests.fuzz.targets import TARGETS

DEFAULT_EXECUTIONS = 50_000


def main() -> None:
    name = sys.argv[1]
    executions = int(sys.argv[2]) if len(sys.argv) > 2 else DEFAULT_EXECUTIONS
    target, seeds = TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(seeds):
            Path(corpus, str(number)).write_bytes(seed)
        arguments = [f"-runs={executions}", "-max_len=4096", "-seed=1", "-timeout=10", "-rss_limit_mb=1024", corpus]
        atheris.Setup([sys.argv[0], *arguments], target)
        atheris.Fuzz()


main()
