"""ns a decision: the host's table, a lease of the shared store, a dict, and a Lua call a request on the same Valkey.

The first three are timed on the thread's CPU clock, by turns, as `micro` does. A call to the store is mostly waiting:
it is told in wall time and in CPU time of this process, and not made a ratio.
"""

from __future__ import annotations

import asyncio
import mmap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import cpu
from benchmarks.errors import BenchmarkError
from benchmarks.micro.timing import Case, Contender, Result, measure
from benchmarks.stats import Spread, spread
from engine._fast.bucket import Plan, Table
from engine.limits.model import Limit
from engine.limits.rates import Rate
from engine.limits.shared.bound import SharedBound
from engine.limits.shared.client import Store
from engine.limits.shared.counters import rate
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.lease import Lease
from engine.limits.shared.life import Life
from engine.limits.shared.scripts import Call, bucket_key, load

LIMITS = (1, 2, 4)
_RATE = Rate(10**9, 60_000_000_000)
# In hand for as long as the measurement takes, so that what is timed is a take and not a refill.
_PLENTY = 1 << 60


class _Silent:
    """A Report that nobody reads."""

    def called(self, count: int) -> None: ...
    def fell_back(self, mode: str) -> None: ...
    def failing(self, reason: str) -> None: ...
    def unreachable(self, reason: str) -> None: ...
    def sound(self) -> None: ...
    def forgot(self, bucket: int) -> None: ...


@dataclass(frozen=True)
class StoreCall:
    """One call a request: us of wall time and of this process's CPU. In pipelines: us of the server's CPU a call."""

    wall_us: Spread | None
    cpu_us: Spread | None
    server_us: Spread | None


def _dict_take(counters: dict[int, float], keys: tuple[int, ...], now: float) -> bool:
    """GCRA over a plain dict: one process, one thread, nothing survives."""
    for key in keys:
        if counters.get(key, 0.0) > now + 60.0:
            return False
    for key in keys:
        counters[key] = max(counters.get(key, 0.0), now) + 6e-8
    return True


def decisions(folder: Path, rounds: int) -> list[Result]:
    """The table, a lease and a dict, by number of limits."""
    return [measure(_case(folder, count), rounds) for count in LIMITS]


def _case(folder: Path, count: int) -> Case:
    table = Table(mmap.mmap(-1, (1 << 16) * 16), bytes(16))
    limits = tuple(Limit(f"l{number}", "user", _RATE) for number in range(count))
    plan = Plan(table, [(number + 1, _RATE.interval_ns, limit.tolerance_ns) for number, limit in enumerate(limits)])
    folder.mkdir(exist_ok=True)
    keeper = Keeper(Store("redis://127.0.0.1:1"), Life(folder), _Silent())
    leases = []
    for limit in limits:
        lease = Lease(rate(limit.name.encode(), _RATE.interval_ns, limit.tolerance_ns))
        lease.held = lease.end_ns = _PLENTY
        leases.append(lease)
    bound = SharedBound(limits, tuple(leases), tuple(leases), (), keeper, lambda index, hosts: None, limits)
    counters: dict[int, float] = {}
    names: dict[str, Any] = {"now": time.time_ns()}
    return Case(
        f"take of {count} limits",
        [
            Contender("lease", "take(now)", {**names, "take": bound.take}, lambda answer: answer is None),
            Contender("table", "take(now)", {**names, "take": plan.take}, lambda answer: answer == -1),
            Contender(
                "dict", "take(counters, keys, now)",
                {"take": _dict_take, "counters": counters, "keys": tuple(range(count)), "now": time.time()},
            ),
        ],
    )  # fmt: skip


async def store_calls(url: str, server: int, rounds: int, calls: int = 2000, batch: int = 256) -> StoreCall:
    """What one Lua call a request costs, on the store at `url`, which is the process `server`.

    Raises BenchmarkError where it does not answer.
    """
    # A busy machine is slow, not down.
    store = Store(url, timeout_s=10.0)
    try:
        await store.connect()
        look = load("bucket")
        counter = rate(b"benchmark", 1000, 10**12)
        await store.call([Call(look, look.sha, (bucket_key(counter.bucket),), ("", "benchmark", 0))])
        lease = Lease(counter)
        number = 0

        def call() -> Call:
            nonlocal number
            number += 1
            lease.waiting = 1
            return lease.call("benchmark", 0, -1, "owner", number, time.monotonic_ns())

        walls, cpus, served = [], [], []
        for _ in range(rounds):
            began, spent = time.perf_counter(), time.process_time()
            for _ in range(calls):
                await store.call([call()])
            walls.append((time.perf_counter() - began) / calls * 1e6)
            cpus.append((time.process_time() - spent) / calls * 1e6)
            before = cpu.sample(server)
            for _ in range(calls // batch):
                await store.call([call() for _ in range(batch)])
            served.append(cpu.between(before, cpu.sample(server)) / (calls // batch * batch) / 1000)
    except Exception as error:
        raise BenchmarkError(f"the store at {url}: {error}") from error
    finally:
        await store.close()
    return StoreCall(spread(walls), spread(cpus), spread(served))


def run_store_calls(url: str, server: int, rounds: int) -> StoreCall:
    """`store_calls` in a loop of its own."""
    return asyncio.run(store_calls(url, server, rounds))
