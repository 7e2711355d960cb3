"""CPU time of a process tree, and its memory, from /proc.

Source: proc(5). `/proc/<pid>/task/<tid>/schedstat` holds, first, the nanoseconds a thread has spent on a core, user and
system together. The kernel brings the number of a *running* thread up to date at its scheduler tick only, so a reading
may lag by one tick a core (1-10 ms; 4 ms at HZ=250): 0.1 % of a busy four-second round. `/proc/<pid>/stat` (utime +
stime, whole process, in ticks of 10 ms) stands in for a process in which a thread ended between two readings, because
the nanoseconds of a dead thread are gone from task/ but stay in stat.

The tree of a process is every descendant plus every member of its session, so that a daemon which lets itself be
adopted by init is still counted. A process that vanished between two readings makes the difference meaningless and is
an error: its time would be lost.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BenchmarkError

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

# Fields of /proc/<pid>/stat counted from the one behind the command name (proc(5) numbers them from 3).
_PARENT, _SESSION, _UTIME, _STIME, _START = 1, 3, 11, 12, 19


@dataclass(frozen=True)
class Usage:
    """One process at one moment. `threads` maps thread id -> ns on a core; `ticks_ns` is utime + stime in ns."""

    threads: dict[int, int]
    ticks_ns: int


# (pid, start time in clock ticks): a reused pid is another process.
Identity = tuple[int, int]
Sample = dict[Identity, Usage]


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/<pid>/stat from the state on, or None for a process that has gone or is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command name stands in parentheses and may itself hold spaces and parentheses.
    fields = text[text.rindex(")") + 2 :].split()
    return None if fields[0] in "ZX" else fields


def tree(root: int) -> list[int]:
    """Pids of `root`, of its descendants and of the session that it leads, ascending."""
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        fields = _stat(int(entry))
        if fields is None:
            continue
        parents[int(entry)] = int(fields[_PARENT])
        if int(entry) == root or int(fields[_SESSION]) == root:
            found.add(int(entry))
    grew = True
    while grew:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return sorted(found)


def alive(process: Identity) -> bool:
    """Whether that very process still runs (a zombie does not)."""
    fields = _stat(process[0])
    return fields is not None and int(fields[_START]) == process[1]


def sample(root: int) -> Sample:
    """What each process of the tree of `root` has used so far."""
    taken: Sample = {}
    for pid in tree(root):
        fields = _stat(pid)
        if fields is None:
            continue
        threads: dict[int, int] = {}
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                threads[int(thread)] = int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
        except FileNotFoundError:
            if not Path("/proc/self/schedstat").exists():
                threads = {}
        ticks = (int(fields[_UTIME]) + int(fields[_STIME])) * TICK_NS
        taken[pid, int(fields[_START])] = Usage(threads, ticks)
    return taken


def between(before: Sample, after: Sample) -> int:
    """Nanoseconds of CPU used by the tree from `before` to `after`. Raises BenchmarkError if a process has gone."""
    gone = sorted(pid for pid, start in before.keys() - after.keys())
    if gone:
        raise BenchmarkError(f"processes of the proxy ended while it was measured: {gone}")
    total = 0
    for process, now in after.items():
        then = before.get(process, Usage({}, 0))
        if then.threads.keys() <= now.threads.keys() and now.threads:
            total += sum(ns - then.threads.get(thread, 0) for thread, ns in now.threads.items())
        else:
            total += now.ticks_ns - then.ticks_ns
    return total


@dataclass(frozen=True)
class Memory:
    """Bytes of one process: resident, and proportional (shared pages divided among those who share them)."""

    rss: int
    pss: int


def memory(pid: int) -> Memory:
    """Memory of `pid`. Raises BenchmarkError when it has gone."""
    values: dict[str, int] = {}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            values[name] = int(rest.split()[0]) * 1024
    except (OSError, ValueError, IndexError) as error:
        raise BenchmarkError(f"memory of process {pid} cannot be read: {error}") from error
    return Memory(values["Rss"], values["Pss"])


def resident(root: int) -> int:
    """Resident bytes of a process tree."""
    return sum(memory(pid).rss for pid in tree(root))
