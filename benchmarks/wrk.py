"""The load generator: wrk, one thread, a fixed number of keep-alive connections, closed loop.

Closed loop means that a connection sends its next request when it has the whole answer of the last one, so the
percentiles here are service times at full load with CONNECTIONS requests in flight, not the latency of an open system;
they compare peers in one run and mean nothing else. `chat.lua` prints the figures as JSON. Any answer that was an error
and any broken connection fails the round: a proxy is fast at refusing.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cores import pinned
from benchmarks.errors import BenchmarkError
from benchmarks.processes import tool

CONNECTIONS = 32
_SCRIPT = Path(__file__).with_name("chat.lua")
_MARK = "RESULT "


@dataclass(frozen=True)
class Load:
    """Figures of one run: counts, seconds, bytes read, microseconds."""

    requests: int
    seconds: float
    bytes: int
    p50_us: float
    p99_us: float
    max_us: float


def parse(output: str) -> Load:
    """The figures in wrk's output. Raises BenchmarkError when there are none or when anything went wrong."""
    lines = [line for line in output.splitlines() if line.startswith(_MARK)]
    if len(lines) != 1:
        raise BenchmarkError(f"wrk gave no figures:\n{output.strip()[-600:]}")
    try:
        figures: dict[str, int] = json.loads(lines[0].removeprefix(_MARK))
        bad = {name: figures[name] for name in ("status", "connect", "read", "write", "timeout") if figures[name]}
        load = Load(
            requests=figures["requests"],
            seconds=figures["duration_us"] / 1e6,
            bytes=figures["bytes"],
            p50_us=float(figures["p50_us"]),
            p99_us=float(figures["p99_us"]),
            max_us=float(figures["max_us"]),
        )
    except (ValueError, KeyError) as error:
        raise BenchmarkError(f"wrk's figures cannot be read ({error!r}): {lines[0]}") from error
    if bad:
        named = ", ".join(f"{count} {'non-2xx' if name == 'status' else name}" for name, count in bad.items())
        raise BenchmarkError(f"{named} errors in {load.requests} requests")
    if load.requests == 0:
        raise BenchmarkError("no request was answered")
    return load


def drive(port: int, path: str, body: Path, headers: list[str], *, core: int, seconds: float) -> Load:
    """Load 127.0.0.1:`port` for `seconds` (whole seconds, at least 1). Raises BenchmarkError on any error."""
    whole = max(1, round(seconds))
    command = [
        tool("wrk", "wrk"),
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{whole}s",
        "--timeout",
        "5s",
        "-s",
        str(_SCRIPT),
        f"http://127.0.0.1:{port}{path}",
        "--",
        str(body),
        *headers,
    ]
    try:
        done = subprocess.run(pinned(command, core), capture_output=True, text=True, timeout=whole + 30, check=False)
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"wrk did not end {whole + 30} s after its start") from None
    if done.returncode != 0:
        raise BenchmarkError(f"wrk ended with status {done.returncode}:\n{done.stderr.strip()[-600:]}")
    return parse(done.stdout)
