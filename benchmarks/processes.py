"""Processes that the harness starts, waits for, and stops.

Each one leads a session of its own, so that what it started is known and can be stopped with it: SIGTERM to the leader,
a bounded wait, then SIGKILL to whatever is left of *that* tree. Nothing else is ever signalled. Output goes to a file,
which is quoted when the process does not come up.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks import cpu
from benchmarks.cores import pinned
from benchmarks.errors import BenchmarkError

START_S = 20.0  # Envoy and a worker with a large ruleset take a second or two; a loaded machine ten times that
STOP_S = 5.0
POLL_S = 0.02


def tool(name: str, package: str) -> str:
    """Path of a program. Raises BenchmarkError naming the package that brings it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise BenchmarkError(f"{name} is not installed: it comes with the package {package}")
    return found


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-12:]
    return "\n".join(lines) or "(it printed nothing)"


def _gone(members: Iterable[cpu.Identity], patience_s: float) -> list[cpu.Identity]:
    """Wait at most `patience_s` for `members` to end; those that have not."""
    deadline = time.monotonic() + patience_s
    while left := [member for member in members if cpu.alive(member)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return left


def _stop(process: subprocess.Popen[bytes]) -> None:
    members = list(cpu.sample(process.pid))
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            pass
    # A leader that is deaf has had its time; what outlives a leader that has ended is given as much.
    left = _gone(members, 0.0 if process.poll() is None else STOP_S)
    for pid, _ in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(STOP_S)
    _gone(left, STOP_S)


@contextmanager
def running(
    name: str,
    command: list[str],
    *,
    core: int,
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """`command` pinned to `core`, handed over when `ready()` first says True, and stopped on the way out.

    Raises BenchmarkError with the end of its output when it exits early or is not ready within START_S seconds.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            pinned(command, core),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if environment is None else dict(environment),
        )
    try:
        deadline = time.monotonic() + START_S
        while not ready():
            if process.poll() is not None:
                raise BenchmarkError(f"{name} ended with status {process.returncode}:\n{_tail(log)}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{name} was not ready after {START_S:.0f} s:\n{_tail(log)}")
            time.sleep(POLL_S)
        yield process
    finally:
        _stop(process)
