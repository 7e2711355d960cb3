"""Which core carries the proxy and which one everything else.

The proxy under test has a core to itself; the load generator, the upstream and the harness share the other, so that
the proxy is never billed for cache misses and preemption that its neighbours cause on its own core. Affinity is
inherited, so pinning the first process of a proxy pins its whole tree.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.errors import BenchmarkError


@dataclass(frozen=True)
class Cores:
    """Core numbers as the kernel counts them."""

    proxy: int
    load: int


def pick() -> Cores:
    """The first two cores this process may use. Raises BenchmarkError when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchmarkError("two cores are needed: one for the proxy, one for the load and the upstream")
    return Cores(allowed[0], allowed[1])


def pinned(command: list[str], core: int) -> list[str]:
    """`command` so that it and its children run on `core` only, and end when the harness dies.

    setpriv asks the kernel for SIGTERM on the death of the parent (prctl(2), PR_SET_PDEATHSIG), which survives exec.
    """
    return ["setpriv", "--pdeathsig", "TERM", "--", "taskset", "--cpu-list", str(core), *command]


@contextmanager
def staying_on(core: int) -> Iterator[None]:
    """The harness itself on `core` only, so that its own work never runs beside the proxy; as before on the way out."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
