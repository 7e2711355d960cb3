"""Many hosts on one store, by events in simulated time: the engine's own leases, the ledger in plain Python.

Requests come as a Poisson process to hosts at random, for keys by a Zipf distribution. A call to the store takes a
log-normal time each way (median 1 ms, sigma 1, cut at half of the time-out). What is admitted is held against two
counters that know everything at once: one that must never refuse what the hosts admitted (over-admission), and one that
says what could have been admitted (under-use).
"""

from __future__ import annotations

import heapq
import math
import random
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from benchmarks.limits.ledger import RateLedger
from engine.limits.shared.client import CALL_TIMEOUT_S
from engine.limits.shared.counters import Counter, rate
from engine.limits.shared.keeper import SWEEP_S
from engine.limits.shared.lease import TTL_US, Lease
from engine.limits.shared.scripts import Answer

_MS = 1_000_000
_S = 1_000_000_000
_SWEEP_NS = int(SWEEP_S * _S)
_ZIPF = 1.1
# The hot keys are drawn exactly; the rest of a million alike, which they nearly are.
_EXACT = 10_000
_START_NS = 1_000 * _S


@dataclass(frozen=True)
class Scene:
    """`count` of a key's requests in `period_s`, all at once if they come so; `requests` a second in all."""

    hosts: int
    keys: int
    requests: int = 5_000
    seconds: int = 8
    count: int = 100
    period_s: int = 60
    seed: int = 1


@dataclass
class Outcome:
    """What came of a scene. `waited` is how many requests waited for the store, `store_calls` its calls in all."""

    scene: Scene
    arrived: int = 0
    admitted: int = 0
    possible: int = 0
    over: int = 0
    waited: int = 0
    store_calls: int = 0
    longest_wait_ms: float = 0.0
    admissions: list[int] = field(default_factory=list, repr=False)

    @property
    def under_use(self) -> float:
        """Share of what could have been admitted that was not."""
        return max(0.0, 1 - self.admitted / self.possible) if self.possible else 0.0

    @property
    def calls_per_host(self) -> float:
        """Calls to the store a second and host."""
        return self.store_calls / self.scene.seconds / self.scene.hosts


class _Central:
    """GCRA that sees every request at once."""

    def __init__(self) -> None:
        self._free: dict[int, int] = {}

    def take(self, key: int, now: int, interval: int, tolerance: int) -> bool:
        free = max(self._free.get(key, 0), now) + interval
        if free - now > tolerance:
            return False
        self._free[key] = free
        return True


class Simulation:
    """One run of a scene."""

    def __init__(self, scene: Scene, keep_times: bool = False) -> None:
        self.now = _START_NS
        self.outcome = Outcome(scene)
        self._keep_times = keep_times
        self._random = random.Random(scene.seed)  # noqa: S311 - no secret
        self._events: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._number = 0
        self._leases: dict[tuple[int, int], Lease] = {}
        self._waiting: dict[tuple[int, int], list[int]] = {}
        self._ledgers: dict[int, RateLedger] = {}
        self._truth, self._ideal = _Central(), _Central()
        self._interval = scene.period_s * _S // scene.count
        self._tolerance = scene.count * self._interval
        self._counter = self._of(self._interval, self._tolerance)
        weights = [1 / rank**_ZIPF for rank in range(1, min(scene.keys, _EXACT) + 1)]
        if scene.keys > _EXACT:
            weights.append(sum(1 / rank**_ZIPF for rank in range(_EXACT + 1, scene.keys + 1)))
        self._ranks = list(accumulate(weights))

    def run(self) -> Outcome:
        """Events until the scene's end."""
        scene = self.outcome.scene
        end = _START_NS + scene.seconds * _S
        self.at(self.now, self._arrive)
        while self._events and self._events[0][0] <= end:
            self.now, _, act, arguments = heapq.heappop(self._events)
            act(*arguments)
        return self.outcome

    def at(self, when: int, act: Callable[..., None], *arguments: Any) -> None:
        """Have something happen."""
        self._order += 1
        heapq.heappush(self._events, (when, self._order, act, arguments))

    def change(self, count: int, host: int) -> None:
        """The policy's limit becomes another one, on one host."""
        interval = self.outcome.scene.period_s * _S // count
        self._counter = self._of(interval, count * interval)
        for (owner, _), lease in self._leases.items():
            if owner == host:
                lease.counter = self._counter

    @staticmethod
    def _of(interval: int, tolerance: int) -> Counter:
        return rate(b"simulated", interval, tolerance)

    def _arrive(self) -> None:
        scene = self.outcome.scene
        self.at(self.now + int(self._random.expovariate(scene.requests) * _S) + 1, self._arrive)
        host, key = self._random.randrange(scene.hosts), self._key()
        self.outcome.arrived += 1
        self.outcome.possible += self._ideal.take(key, self.now, self._interval, self._tolerance)
        self._take(host, key, self.now, first=True)

    def _key(self) -> int:
        rank = bisect(self._ranks, self._random.random() * self._ranks[-1])
        if rank < _EXACT:
            return rank
        return self._random.randrange(_EXACT, max(self.outcome.scene.keys, _EXACT + 1))

    def _take(self, host: int, key: int, came: int, first: bool) -> None:
        place = host, key
        lease = self._leases.get(place)
        if lease is None:
            lease = self._leases[place] = Lease(self._counter)
            self.at(self.now + _SWEEP_NS, self._sweep, place)
        if lease.has(self.now):
            lease.held -= 1
            lease.spent += 1
            self._admit(key, came)
            if lease.held <= lease.low and lease.denied_until_ns <= self.now:
                self._ask(place, lease)
        elif lease.denied_until_ns <= self.now:
            self.outcome.waited += first
            lease.waiting += 1
            self._waiting.setdefault(place, []).append(came)
            self._ask(place, lease)

    def _admit(self, key: int, came: int) -> None:
        self.outcome.admitted += 1
        self.outcome.over += not self._truth.take(key, self.now, self._interval, self._tolerance)
        self.outcome.longest_wait_ms = max(self.outcome.longest_wait_ms, (self.now - came) / _MS)
        if self._keep_times:
            self.outcome.admissions.append(self.now)

    def _ask(self, place: tuple[int, int], lease: Lease, give_up: bool = False) -> None:
        if lease.asked:
            return
        lease.asked = True
        self._number += 1
        call = lease.call("", 0, -1, str(place[0]), self._number, self.now, give_up=give_up)
        self.at(self.now + self._delay(), self._reach, place, lease, call.arguments)

    def _reach(self, place: tuple[int, int], lease: Lease, arguments: tuple[Any, ...]) -> None:
        self.outcome.store_calls += 1
        ledger = self._ledgers.setdefault(place[1], RateLedger())
        answer = ledger.call(self.now // 1000, arguments)
        assert answer is not None
        self.at(self.now + self._delay(), self._answered, place, lease, answer)

    def _answered(self, place: tuple[int, int], lease: Lease, answer: Answer) -> None:
        lease.apply(answer, self.now)
        lease.asked = False
        lease.waiting = 0
        for came in self._waiting.pop(place, ()):
            self._take(*place, came, first=False)

    def _sweep(self, place: tuple[int, int]) -> None:
        lease = self._leases[place]
        lease.idle = lease.idle + 1 if lease.spent == lease.swept else 0
        lease.swept = lease.spent
        if lease.is_settled() and not lease.asked and place not in self._waiting:
            del self._leases[place]
            return
        if lease.is_idle():
            self._ask(place, lease, give_up=True)
        elif lease.end_ns - self.now < TTL_US * 500:
            self._ask(place, lease)
        self.at(self.now + _SWEEP_NS, self._sweep, place)

    def _delay(self) -> int:
        return int(min(math.exp(self._random.gauss(0, 1)) * _MS, CALL_TIMEOUT_S / 2 * _S))


def time_to_bind(hosts: int, seed: int = 1) -> float:
    """Seconds from the moment at which a limit is made a hundredth until what is admitted keeps to it.

    One key, 2,000 requests a second; 60,000 a minute become 600, on each host at a time of its own within half a second
    (the supervisor looks at the policy that often). It binds from the first tenth of a second on in which, and after
    which, no more than twice the new rate is admitted.
    """
    scene = Scene(hosts, 1, requests=2000, seconds=30, count=60_000, seed=seed)
    simulation = Simulation(scene, keep_times=True)
    changed = _START_NS + 5 * _S
    rest = random.Random(seed)  # noqa: S311 - no secret
    for host in range(hosts):
        simulation.at(changed + rest.randrange(_S // 2), simulation.change, 600, host)
    outcome = simulation.run()
    bins = [0] * 250
    for when in outcome.admissions:
        if when >= changed:
            bins[(when - changed) // (_S // 10)] += 1
    above = [place for place, count in enumerate(bins) if count > 2]
    return (above[-1] + 1) / 10 if above else 0.0
