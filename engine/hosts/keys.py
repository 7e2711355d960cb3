"""API keys that several hosts hold together in one Redis or Valkey, also a cluster: one set on all hosts.

Theory of operation
    Every host has all keys in its own database, and answers from it alone; the store is where hosts compare. Keys fall
    into 256 buckets by a hash of their id. The store keeps a sum over the hashes of the keys of each bucket, and one
    over all; a host keeps the same sums over its own. Where the sums agree, the keys do. Where they do not, the host
    fetches the buckets that differ, joins both sides (engine.identity.shared_key), takes what is new to it and puts
    what is new to the store, by compare-and-swap. Nothing has to be remembered of what was sent or received: a host
    that was away, a message that was lost and a store that has lost its data are all mended by the next look.

    A change is pushed: who puts something says so on a channel, and the others look at once. Should the push fail, a
    look every POLL (0.25 s) finds it. A change of the own database is noticed within TICK (50 ms).

Trust
    Each look at the store that ends in agreement lets the workers believe their host's keys for `keep_s` from its
    beginning (engine.identity.revision). Nothing else does: a host that starts, that was cut off or frozen for longer,
    answers 503 to API keys until it has looked. No message is believed, only a comparison of all that there is.

    A store with a name that this host does not know is a new one, or one that has lost everything. It is not believed
    for SETTLE (2 s), in which every host that is up puts what it knows: so a key that was revoked on one host stays
    revoked on one that was away. Nothing is deleted anywhere, whatever the store has lost.

Failure modes
    Store slow, frozen, gone, or holding what cannot be read; the own database locked or corrupt: the time that workers
    may believe runs out, and then API keys are 503. It is tried again every RETRY (0.1 s, doubling to 1 s).

Not handled
    A store that loses a revocation which no running host has seen but the one where it was made, while that one is
    down: it bites when that host is back. Who can write to the store can make keys: it must be as guarded as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Protocol

from engine.identity.database import StoreError
from engine.identity.replica import Replica
from engine.identity.shared_key import SharedKey, decode, encode, join
from engine.limits.shared.client import Store, StoreDown
from engine.limits.shared.scripts import Call, Script

log = logging.getLogger(__name__)

POLL_S: Final = 0.25
TICK_S: Final = 0.05
RETRY_S: Final = 0.1
RETRY_MOST_S: Final = 1.0
SETTLE_S: Final = 2.0
# Nobody waits for a call; a store that is slower than this counts as failing.
TIMEOUT_S: Final = 0.5
BUCKETS: Final = 256
# Buckets of one exchange: of 100,000 keys some 6,000, a few MB.
_AT_ONCE: Final = 16
_CALLS: Final = 256
# After a compare-and-swap that was lost all is compared anew.
_ROUNDS: Final = 10
_WRAP: Final = 1 << 48
_CHANNEL: Final = "tidegate:keys"
_SUMS: Final = b"tidegate:{keys}:sums"


class Report(Protocol):
    """Where the outside is told; see engine.telemetry.keys_store. Each change is told once by who is told here."""

    def failing(self, reason: str) -> None:
        """It does not work now."""

    def sound(self) -> None:
        """The hosts agree."""

    def settling(self) -> None:
        """The store is not the one that was known."""

    def received(self, count: int) -> None:
        """So many keys of other hosts were new here, or had changed."""


class Disagreement(Exception):
    """The keys of this host and of the store cannot be made one now. The message says why."""


def _script(name: str) -> Script:
    return Script(name, (files(__package__) / "lua" / f"{name}.lua").read_text(encoding="utf-8"))


class KeyShare:
    """The keys of `folder` among those of all hosts. `keep_s`: how long workers may believe them without the store;
    None for one who has no say in that, beside a gateway that may be running.

    Raises StoreError where the database cannot be used.
    """

    def __init__(self, store: Store, folder: Path, keep_s: float | None, report: Report | None = None) -> None:
        self._store = store
        self._replica = Replica(folder)
        self._keep_ns = int(keep_s * 1e9) if keep_s is not None else None
        self._report = report
        self._me = secrets.token_hex(8).encode()
        self._look_script = _script("keys_look")
        self._bucket_script = _script("keys_bucket")
        self._put_script = _script("keys_put")
        # By bucket, the hash of each key as the store has it or shall have it, and their sum.
        self._hashes: list[dict[str, int]] = [{} for _ in range(BUCKETS)]
        self._sums = [0] * BUCKETS
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listener: asyncio.Task[None] | None = None
        self._connected = False
        self._known = self._replica.store()
        self._settled_ns = 0
        self._settling = ""
        if keep_s is not None:
            self._replica.trust(0)

    def start(self) -> None:
        """Begin to keep the hosts in agreement."""
        self._task = asyncio.create_task(self._run())
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """End it, and close."""
        for task in (self._task, self._listener):
            # Said until it is heard: before Python 3.12 `asyncio.wait_for`, with which redis-py sends, loses a
            # cancellation that comes when the sending is done.
            while task is not None and not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=POLL_S)
        await self.close()

    async def _run(self) -> None:
        pause = RETRY_S
        while True:
            self._wake.clear()
            word = self._replica.word
            try:
                await self.agree()
            except Exception as error:
                if not isinstance(error, (StoreDown, StoreError, Disagreement)):
                    log.exception("keys could not be compared")
                self._connected = False
                if self._report is not None:
                    self._report.failing(str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, RETRY_MOST_S)
            else:
                pause = RETRY_S
                await self._until_due(word)

    async def close(self) -> None:
        """Close connection and files. What workers believe runs out by itself."""
        await self._store.close()
        await asyncio.to_thread(self._replica.close)

    async def _until_due(self, word: int) -> None:
        """Returns when there is something to look for: a message, an own change, or the time."""
        loop = asyncio.get_running_loop()
        due = loop.time() + POLL_S
        while self._replica.word == word and loop.time() < due:
            try:
                # Not `wait_for`, which before Python 3.12 loses a cancellation that comes with what it waits for.
                async with asyncio.timeout(TICK_S):
                    await self._wake.wait()
            except TimeoutError:
                continue
            return

    async def _listen(self) -> None:
        while True:
            try:
                async for message in self._store.messages(_CHANNEL):
                    if message != self._me:
                        self._wake.set()
            except StoreDown:
                # The polls find what is not heard.
                pass
            await asyncio.sleep(RETRY_MOST_S)

    async def agree(self) -> bool:
        """Look at the store and make both sides one. Whether the store may be believed already.

        Raises StoreDown, StoreError, Disagreement.
        """
        if not self._connected:
            await self._store.connect()
            self._connected = True
        for _ in range(_ROUNDS):
            began_ns = time.monotonic_ns()
            await self._read_own()
            name, total = await self._look("")
            if int(total) == sum(self._sums) % _WRAP or await self._exchange():
                return await self._agreed(name, began_ns)
        raise Disagreement("other hosts change the same keys all the time")

    async def _agreed(self, name: str, began_ns: int) -> bool:
        """Takes note of an agreement with the store of that name, as of a time."""
        if self._keep_ns is None:
            return True
        if name != self._known:
            if name != self._settling:
                self._settling, self._settled_ns = name, began_ns + int(SETTLE_S * 1e9)
                if self._report is not None:
                    self._report.settling()
            if began_ns < self._settled_ns:
                return False
            await asyncio.to_thread(self._replica.adopt, name)
            self._known, self._settling = name, ""
        self._replica.trust(began_ns + self._keep_ns)
        if self._report is not None:
            self._report.sound()
        return True

    async def _look(self, which: str) -> tuple[str, Any]:
        arguments = (secrets.token_hex(8), which)
        call = Call(self._look_script, self._look_script.sha, (_SUMS,), arguments)
        name, answer = (await self._store.call([call]))[0]
        return name.decode(), answer

    async def _exchange(self) -> bool:
        """Fetch what differs, join, and hand out. False: others changed some of it meanwhile."""
        flat = (await self._look("all"))[1]
        sums = {int(name): int(value) for name, value in zip(flat[::2], flat[1::2], strict=True) if name.isdigit()}
        differing = [bucket for bucket in range(BUCKETS) if sums.get(bucket, 0) != self._sums[bucket]]
        puts = swapped = 0
        for start in range(0, len(differing), _AT_ONCE):
            answers = await self._exchange_some(differing[start : start + _AT_ONCE])
            puts += len(answers)
            swapped += sum(answers)
        if swapped:
            try:
                await self._store.publish(_CHANNEL, self._me)
            except StoreDown as error:
                log.debug("other hosts could not be told, their polls will find it: %s", error)
        return puts == swapped

    async def _exchange_some(self, buckets: Sequence[int]) -> list[int]:
        """For each key that was put: 1 where it is, 0 where others were faster."""
        script = self._bucket_script
        answers = await self._store.call([Call(script, script.sha, (_key(bucket),), ()) for bucket in buckets])
        takes: list[SharedKey] = []
        puts: list[tuple[SharedKey, bytes]] = []
        for bucket, flat in zip(buckets, answers, strict=True):
            theirs = {name.decode(): text for name, text in zip(flat[::2], flat[1::2], strict=True)}
            # Those that are the same on both sides need not be read.
            here = self._hashes[bucket]
            differing = {key_id for key_id, text in theirs.items() if here.get(key_id) != _hash(key_id, text)}
            differing |= here.keys() - theirs.keys()
            ours = await asyncio.to_thread(self._replica.get, sorted(differing))
            for key_id in differing:
                self._compare(ours.get(key_id), theirs.get(key_id), key_id, takes, puts)
        if takes:
            await asyncio.to_thread(self._replica.put, takes)
            await self._read_own()
            if self._report is not None:
                self._report.received(len(takes))
        return await self._put(puts)

    def _compare(
        self,
        ours: SharedKey | None,
        text: bytes | None,
        key_id: str,
        takes: list[SharedKey],
        puts: list[tuple[SharedKey, bytes]],
    ) -> None:
        if text is None:
            if ours is not None:
                puts.append((ours, b""))
            return
        try:
            theirs = decode(text)
            if theirs.id != key_id:
                raise ValueError("it is another one")
        except ValueError as error:
            raise Disagreement(f"the store's key {key_id[:64]!r} cannot be read: {error}") from None
        joined = join(ours, theirs) if ours is not None else theirs
        if joined != ours:
            takes.append(joined)
        if joined != theirs:
            puts.append((joined, text))
        elif joined == ours:
            # The same, written otherwise: by another version.
            self._note(key_id, _hash(key_id, text))

    async def _put(self, puts: Sequence[tuple[SharedKey, bytes]]) -> list[int]:
        script, answers = self._put_script, []
        for start in range(0, len(puts), _CALLS):
            calls = []
            for key, before in puts[start : start + _CALLS]:
                bucket = _bucket(key.id)
                arguments = (str(bucket), key.id, before, encode(key))
                calls.append(Call(script, script.sha, (_key(bucket), _SUMS), arguments))
            answers += await self._store.call(calls)
        return answers

    async def _read_own(self) -> None:
        """Take note of what has changed in the own database."""
        is_whole, keys = await asyncio.to_thread(self._replica.changed)
        if is_whole:
            self._hashes = [{} for _ in range(BUCKETS)]
            self._sums = [0] * BUCKETS
        self._note_all(keys)

    def _note_all(self, keys: Iterable[SharedKey]) -> None:
        for key in keys:
            self._note(key.id, _hash(key.id, encode(key)))

    def _note(self, key_id: str, hashed: int) -> None:
        bucket = _bucket(key_id)
        before = self._hashes[bucket].get(key_id, 0)
        self._hashes[bucket][key_id] = hashed
        self._sums[bucket] = (self._sums[bucket] + hashed - before) % _WRAP


def _bucket(key_id: str) -> int:
    return hashlib.sha1(key_id.encode(), usedforsecurity=False).digest()[0]


def _key(bucket: int) -> bytes:
    # One hash tag for all: a put and its sums are one script's.
    return b"tidegate:{keys}:%d" % bucket


def _hash(key_id: str, text: bytes) -> int:
    """As in keys_put.lua. A checksum, not a protection."""
    return int(hashlib.sha1(key_id.encode() + b":" + text, usedforsecurity=False).hexdigest()[:12], 16)


async def share_once(url: str, folder: Path) -> str | None:
    """Make the keys of a folder and those of the store one, for a command that is not part of a gateway. Why not."""
    share: KeyShare | None = None
    try:
        share = KeyShare(Store(url, TIMEOUT_S), folder, None)
        await share.agree()
    except (StoreDown, StoreError, Disagreement) as error:
        return str(error)
    finally:
        if share is not None:
            await share.close()
    return None
