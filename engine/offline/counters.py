"""Where `tidegate limits` finds counters: the state file of this host, or the store that hosts share."""

from __future__ import annotations

import asyncio
import mmap
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from engine._fast.budget import HEADER_BYTES, ROW_BYTES, Journal, replace_used
from engine.limits import windows
from engine.limits.metered import Metered
from engine.limits.shared import by_hand
from engine.limits.shared.client import Store, StoreDown
from engine.limits.shared.life import STORE_FILE
from engine.limits.store import LIMITS_FILE, StateError, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from engine.limits.model import Limit
    from engine.settings import Settings

T = TypeVar("T")

# A person waits for it.
_TIMEOUT_S = 5.0


class Unavailable(Exception):
    """The counters cannot be read or changed; the message says why."""


class Counters(Protocol):
    """Counters by limit and by whom they are for (`engine.limits.scopes.identity`). All raise Unavailable."""

    def state(self, limit: Limit, identity: bytes, now_ns: int) -> tuple[int, int, int, int]:
        """(used, held, left, ns until all is there again), in units of the limit."""

    def set_used(self, limit: Limit, identity: bytes, units: int, now_ns: int) -> None:
        """From the next request on; in a shared store within a second."""


class HostCounters:
    """Those of the state file."""

    def __init__(self, loaded: Settings) -> None:
        path = loaded.state_dir / LIMITS_FILE
        if not path.exists():
            raise Unavailable(f"{path}: there is no file of limits; no gateway ran here yet")
        try:
            self._table = open_store(path, loaded.limit_slots).table
        except StateError as error:
            raise Unavailable(str(error)) from None

    def state(self, limit: Limit, identity: bytes, now_ns: int) -> tuple[int, int, int, int]:
        """See Counters."""
        fingerprint = self._table.fingerprint(identity)
        if limit.is_reserved:
            journal = Journal(mmap.mmap(-1, HEADER_BYTES + ROW_BYTES))
            return Metered((limit,), self._table, journal, [fingerprint]).state(0, now_ns)
        assert limit.rate is not None
        debt = max(self._table.peek(fingerprint, now_ns) - now_ns, 0)
        used = -(-debt // limit.rate.interval_ns)
        return used, 0, max(limit.capacity - used, 0), debt

    def set_used(self, limit: Limit, identity: bytes, units: int, now_ns: int) -> None:
        """See Counters."""
        if not replace_used(self._table, self._table.fingerprint(identity), _word(limit, units, now_ns), now_ns):
            raise Unavailable("the table of limits has no room for this counter")


def _word(limit: Limit, units: int, now_ns: int) -> int:
    assert limit.rate is not None
    if limit.window == "calendar":
        assert limit.period is not None
        return windows.window(limit.period, windows.zone(limit.zone), now_ns)[1] + units
    return now_ns + units * limit.rate.interval_ns if units else 0


class SharedCounters:
    """Those of the store at TIDEGATE_REDIS_URL, as the gateways of this host know it."""

    def __init__(self, loaded: Settings) -> None:
        assert loaded.redis_url is not None
        path = loaded.state_dir / STORE_FILE
        if not path.exists():
            raise Unavailable(f"{path}: no gateway of this host has used the shared store yet")
        self._id = path.read_text().strip()
        self._url = loaded.redis_url

    def state(self, limit: Limit, identity: bytes, now_ns: int) -> tuple[int, int, int, int]:
        """See Counters."""

        async def look(store: Store) -> by_hand.State:
            return await by_hand.look(store, self._id, by_hand.find(limit, identity, now_ns))

        found = self._with(look)
        return found.used, found.held, found.left, found.reset_ns

    def set_used(self, limit: Limit, identity: bytes, units: int, now_ns: int) -> None:
        """See Counters."""

        async def mend(store: Store) -> None:
            await by_hand.mend(store, self._id, by_hand.find(limit, identity, now_ns), units)

        self._with(mend)

    def _with(self, act: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
        async def run() -> T:
            store = Store(self._url, _TIMEOUT_S)
            try:
                await store.connect()
                return await act(store)
            finally:
                await store.close()

        try:
            return asyncio.run(run())
        except StoreDown as error:
            raise Unavailable(f"the shared store of limits: {error}") from None


def counters(loaded: Settings) -> Counters:
    """Those that a gateway with these settings counts by."""
    return HostCounters(loaded) if loaded.redis_url is None else SharedCounters(loaded)
