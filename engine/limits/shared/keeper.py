"""Keeps a worker's leases: refills, gives back, notices that the store fails or has forgotten, and comes back.

One task, one exchange with the store at a time; what is asked for meanwhile goes with the next one. Times:

    SWEEP      idle leases are given back and what they spent is told, old ones are renewed
    BEAT       one bucket (in a cluster BEAT_BUCKETS, to reach every node) is looked at, so that a store that fails or
               has forgotten is noticed without a request that needs it; the hosts are counted
    RETRY      a store that failed is tried again, doubling up to RETRY_MOST

Failure modes: see the package. Whatever goes wrong in the task itself is the store failing, too: the limits do what
they declare, and the task goes on.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakValueDictionary

from engine.limits.shared.client import Store, StoreDown
from engine.limits.shared.journal import LeaseJournal, last_words
from engine.limits.shared.lease import TTL_US, Lease
from engine.limits.shared.life import Life, new_id
from engine.limits.shared.scripts import BUCKETS, Answer, Call, bucket_key, load

if TYPE_CHECKING:
    from engine.limits.shared.counters import Counter

log = logging.getLogger(__name__)

SWEEP_S: Final = 0.5
BEAT_S: Final = 1.0
BEAT_BUCKETS: Final = 8
RETRY_S: Final = 0.1
RETRY_MOST_S: Final = 1.0
# Hosts are counted for equal shares; one that is silent this long has no share.
HOST_SILENT_US: Final = 15_000_000
# One pipeline: small enough to be answered well within the time-out by a store that is busy.
BATCH: Final = 256
# Counters with a debt and without a lease that are remembered for a store that forgets, about 400 bytes each.
REMEMBERED: Final = 65_536
_HOSTS_KEY: Final = b"tidegate:{hosts}"


class Report(Protocol):
    """Where the outside is told; see engine.telemetry.limits_store."""

    def called(self, count: int) -> None:
        """So many calls were answered."""

    def fell_back(self, mode: str) -> None:
        """A request was decided by what its limit declares."""

    def failing(self, reason: str) -> None:
        """The store was sound and now is not."""

    def unreachable(self, reason: str) -> None:
        """It was tried and does not answer."""

    def sound(self) -> None:
        """The store answers."""

    def forgot(self, bucket: int) -> None:
        """The store has lost what it knew of a bucket."""


class Keeper:
    """The leases of one worker. `failing`: the store cannot be asked; `hosts`: how many share it, as last heard;
    `ahead_ns`: how much the store's clock is ahead of CLOCK_REALTIME here, to half of what a call takes."""

    def __init__(self, store: Store, life: Life, report: Report, journals: Path | None = None) -> None:
        """`journals`: the folder for what leases have come to (`engine.limits.shared.journal`). Raises OSError."""
        self.failing = True
        self.hosts = 1
        self.ahead_ns = 0
        # Wall clock: what was taken before is not given back, because it may have been decided without the store.
        self.sound_since_ns = time.time_ns()
        self._store = store
        self._life = life
        self._report = report
        self._owner = f"{life.host}.{secrets.token_hex(4)}"
        self._journals = journals
        self._journal = LeaseJournal(journals, self._owner) if journals is not None else None
        self._number = 0
        self._all: WeakValueDictionary[bytes, Lease] = WeakValueDictionary()
        self._live: dict[bytes, Lease] = {}
        self._remembered: dict[bytes, Lease] = {}
        self._asked: list[Lease] = []
        self._given_up: set[bytes] = set()
        self._retell: set[int] = set()
        self._seen = [0] * BUCKETS
        self._lives = [-1] * BUCKETS
        self._born = [-1] * BUCKETS
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._beats = 0

    # for those who take

    def lease(self, counter: Counter, forgiving: bool) -> Lease:
        """The one lease of a counter in this worker."""
        lease = self._all.get(counter.key)
        if lease is None:
            lease = self._all[counter.key] = Lease(counter, forgiving)
        elif lease.counter != counter or lease.forgiving != forgiving:
            # The policy was changed: what is held stays, what is asked from now on is by the new numbers.
            lease.counter, lease.forgiving = counter, forgiving
        return lease

    def ask(self, lease: Lease) -> None:
        """Have the lease refilled, or what it spent told, with the next exchange."""
        if lease.asked or self.failing:
            return
        lease.asked = True
        self._live[lease.counter.key] = lease
        if self._journal is not None:
            self._journal.open(lease)
        self._asked.append(lease)
        self._wake.set()

    def wait(self, lease: Lease, amount: int = 1) -> asyncio.Future[None]:
        """Ask for permits that a request waits for; done when the store has answered or failed."""
        lease.waiting += amount
        lacking = max(amount - lease.held, 1)
        lease.need = min(lease.need, lacking) if lease.need else lacking
        self.ask(lease)
        ready = lease.ready
        if ready is None:
            ready = lease.ready = asyncio.get_running_loop().create_future()
        if not lease.asked:
            _wake(lease)
        return ready

    def fell_back(self, mode: str) -> None:
        """Count a request that a limit's declared mode has decided."""
        self._report.fell_back(mode)

    # life

    async def start(self) -> None:
        """Begin; returns when the store has answered or was found to fail. Raises nothing."""
        await self._reach()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """End: what is held is given back, if the store can be asked."""
        # An exchange that is under way is not cut off: its answer says what is held. It ends by its time-out.
        self._ending = True
        self._wake.set()
        if self._task is not None:
            await self._task
        if not self.failing:
            try:
                leases = [lease for lease in self._live.values() if not lease.is_settled()]
                for start in range(0, len(leases), BATCH):
                    await self._exchange(leases[start : start + BATCH], give_up=True)
            except StoreDown:
                # Then they end by themselves.
                pass
        if self._journal is not None:
            for lease in self._live.values():
                if lease.is_settled():
                    self._journal.close(lease)
            self._journal.end()
        await self._store.close()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        sweep, beat, pause = loop.time() + SWEEP_S, loop.time() + BEAT_S, RETRY_S
        while not self._ending:
            try:
                if self.failing:
                    await self._until(loop.time() + pause)
                    pause = min(2 * pause, RETRY_MOST_S)
                    await self._reach()
                    continue
                pause = RETRY_S
                if not self._asked:
                    await self._until(min(sweep, beat))
                now = loop.time()
                if now >= sweep:
                    sweep = now + SWEEP_S
                    self._sweep()
                if now >= beat:
                    beat = now + BEAT_S
                    await self._beat()
                if self._retell:
                    self._tell_again()
                await self._serve()
            except StoreDown as error:
                self._fail(str(error))
            except Exception as error:
                log.exception("the keeper of shared limits failed")
                self._fail(f"{type(error).__name__} in this worker")

    async def _until(self, when: float) -> None:
        if not self._ending:
            self._wake.clear()
        try:
            async with asyncio.timeout_at(when):
                await self._wake.wait()
        except TimeoutError:
            pass

    # exchange

    async def _serve(self) -> None:
        """Exchange with the store for all that asked."""
        while self._asked:
            batch, self._asked = self._asked[:BATCH], self._asked[BATCH:]
            try:
                await self._exchange(batch)
            finally:
                for lease in batch:
                    lease.asked = False
                    _wake(lease)

    async def _exchange(self, leases: list[Lease], give_up: bool = False) -> None:
        clock = time.monotonic_ns()
        calls = []
        for lease in leases:
            self._number += 1
            key = lease.counter.key
            drop = give_up or key in self._given_up
            self._given_up.discard(key)
            seen, life = self._seen[lease.counter.bucket], self._lives[lease.counter.bucket]
            calls.append(lease.call(self._life.store, seen, life, self._owner, self._number, clock, give_up=drop))
        replies = await self._store.call(calls)
        self._report.called(len(calls))
        clock, sent = time.monotonic_ns(), clock
        strangers = False
        for lease, reply in zip(leases, replies, strict=True):
            if reply[0] == b"ok":
                answer = Answer(*reply[1:])
                bucket = lease.counter.bucket
                lease.apply(answer, clock)
                self._set_clock(answer.now, clock - sent)
                self._is_born(bucket, answer.born, answer.calls, answer.life)
            else:
                strangers |= reply[0] == b"other"
        if strangers:
            await self._introduce()

    def _set_clock(self, now_us: int, took_ns: int) -> None:
        self.ahead_ns = now_us * 1000 - (time.time_ns() - took_ns // 2)

    def _is_born(self, bucket: int, born: int, calls: int, life: int) -> None:
        """Notes a bucket's life; a new one is told again what this worker knows."""
        self._seen[bucket] = max(self._seen[bucket], calls) if life == self._lives[bucket] else calls
        self._lives[bucket] = life
        before, self._born[bucket] = self._born[bucket], born
        if born == before or before < 0:
            return
        self._report.forgot(bucket)
        self._retell.add(bucket)

    def _tell_again(self) -> None:
        """Asks for all leases of buckets with a new life: what this worker knows of them goes with the calls."""
        for lease in (*self._live.values(), *self._remembered.values()):
            if lease.counter.bucket in self._retell:
                lease.denied_until_ns = 0
                self.ask(lease)
        self._retell.clear()

    # sweep and beat

    def _sweep(self) -> None:
        clock = time.monotonic_ns()
        for key, lease in list(self._live.items()):
            lease.idle = lease.idle + 1 if lease.spent == lease.swept else 0
            lease.swept = lease.spent
            if lease.is_settled():
                if not lease.asked:
                    del self._live[key]
                    self._remember(lease)
                    if self._journal is not None:
                        self._journal.close(lease)
            elif lease.is_idle():
                # One call gives back and tells what was spent.
                self._given_up.add(key)
                self.ask(lease)
            elif lease.end_ns - clock < TTL_US * 500 or lease.has_surplus(clock):
                self.ask(lease)

    def _remember(self, lease: Lease) -> None:
        if lease.known == 0:
            return
        self._remembered[lease.counter.key] = lease
        if len(self._remembered) > REMEMBERED:
            del self._remembered[next(iter(self._remembered))]

    def _forget(self, now_us: int) -> None:
        """Drops what the store need not be told: debts that are gone."""
        first = [lease for _, lease in zip(range(1000), self._remembered.values(), strict=False)]
        for lease in first:
            key = lease.counter.key
            del self._remembered[key]
            if (lease.stops_us or lease.known) > now_us:
                self._remembered[key] = lease

    async def _beat(self) -> None:
        count = BEAT_BUCKETS if self._store.clustered else 1
        start = self._beats * count
        buckets = [bucket % BUCKETS for bucket in range(start, start + count)]
        self._forget(await self._look_at(buckets, self._life.store, self._life.store))
        await self._count_hosts()
        await self._report_dead()
        self._beats += 1

    async def _report_dead(self) -> None:
        """Tells what workers of this host that are gone have used, and gives back what they held."""
        if self._journals is None:
            return
        with closing(last_words(self._journals)) as left:
            for path, words in left:
                calls = words.calls(self._life.store, TTL_US)
                for start in range(0, len(calls), BATCH):
                    replies = await self._store.call(calls[start : start + BATCH])
                    if any(reply[0] == b"other" for reply in replies):
                        raise StoreDown("it is another one")
                path.unlink(missing_ok=True)
                if calls:
                    log.warning("%d leases of a worker that is gone were reported and given back", len(calls))

    async def _count_hosts(self) -> None:
        script = load("hosts")
        arguments = (self._life.host, HOST_SILENT_US)
        self.hosts = max(1, (await self._store.call([Call(script, script.sha, (_HOSTS_KEY,), arguments)]))[0])

    async def _look_at(self, buckets: Iterable[int], mine: str, shall: str) -> int:
        """Calls bucket.lua; the store's time in us."""
        script = load("bucket")
        buckets = list(buckets)
        clock = time.monotonic_ns()
        replies: list[Any] = await self._store.call(
            [
                Call(script, script.sha, (bucket_key(bucket),), (mine, shall, self._seen[bucket], self._lives[bucket]))
                for bucket in buckets
            ]
        )
        for bucket, (_, born, calls, _, life) in zip(buckets, replies, strict=True):
            self._is_born(bucket, born, calls, life)
        now_us = int(replies[-1][3])
        self._set_clock(now_us, time.monotonic_ns() - clock)
        return now_us

    # failing and coming back

    def _fail(self, reason: str) -> None:
        if not self.failing:
            self._report.failing(reason)
        self.failing = True
        # What was taken with the store's permits and not told yet can no longer be told apart from what comes now.
        self.sound_since_ns = 1 << 62
        for lease in self._asked:
            lease.asked = False
            _wake(lease)
        self._asked.clear()

    async def _reach(self) -> None:
        """Connect, and learn whether the store is the one that is known."""
        try:
            await self._store.connect()
            await self._introduce()
            await self._beat()
        except StoreDown as error:
            self.failing = True
            self._report.unreachable(str(error))
            return
        self.failing = False
        self.sound_since_ns = time.time_ns()
        self._report.sound()
        for lease in list(self._live.values()):
            self.ask(lease)

    async def _introduce(self) -> None:
        # First of all, so that the others' shares are smaller before this host gives out one.
        await self._count_hosts()
        mine = self._life.store
        root = await self._store.root(bucket_key(0), None if mine else new_id())
        shall = root or mine
        await self._look_at(range(BUCKETS), mine, shall)
        if not mine:
            self._life.adopt(shall)
            # A host that knows the store of before says so within its beat; until then nothing may be given out.
            await asyncio.sleep(2 * BEAT_S)
            await self._look_at(range(BUCKETS), shall, shall)
        self._life.adopt(shall)


def _wake(lease: Lease) -> None:
    # Who does not get a permit now asks, and is counted, again.
    lease.waiting = lease.need = 0
    ready, lease.ready = lease.ready, None
    if ready is not None and not ready.done():
        ready.set_result(None)
