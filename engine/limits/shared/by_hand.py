"""A shared counter as it is in the store, and what was used of it set by hand: for tools, beside running gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.limits import windows
from engine.limits.shared.client import StoreDown
from engine.limits.shared.counters import Counter, quota
from engine.limits.shared.lease import TTL_US
from engine.limits.shared.scripts import Answer, Call, load
from engine.limits.shared.sharing import counter_of

if TYPE_CHECKING:
    from engine.limits.model import Limit
    from engine.limits.shared.client import Store

# An owner that holds nothing and asks for nothing leaves no trace in the ledger.
_NOBODY = "by-hand"


@dataclass(frozen=True, slots=True)
class State:
    """In units of the limit. `held` is leased to workers: for requests that run, or ahead of need."""

    used: int
    held: int
    left: int
    reset_ns: int


def find(limit: Limit, identity: bytes, now_ns: int) -> Counter:
    """The counter of a limit for somebody (`engine.limits.scopes.identity`), in the window of `now_ns`."""
    if limit.window != "calendar":
        return counter_of(limit, identity)
    assert limit.period is not None
    start_ns, end_ns = windows.window(limit.period, windows.zone(limit.zone), now_ns)
    return quota(identity, limit.capacity, start_ns // 1000, end_ns // 1000)


async def look(store: Store, store_id: str, counter: Counter) -> State:
    """Raises StoreDown, also where it is not the store that this host knows."""
    arguments = (store_id, 0, _NOBODY, 1, TTL_US, 0, 0, 0, 1, 0, 0, 0, "", "", 0, *counter.limits)
    call = Call(counter.script, counter.sha, counter.keys, arguments + (0, 0)[: counter.knows])
    (reply,) = await store.call([call])
    if reply[0] != b"ok":
        raise StoreDown("it is not the store that the gateways of this host know")
    answer = Answer(*reply[1:])
    if counter.knows == 0:
        return State(0, counter.capacity - answer.free, answer.free, 0)
    if counter.knows == 1:
        used, reset_ns = answer.known, max(int(counter.limits[2]) - answer.now, 0) * 1000
    else:
        reset_ns = max((answer.known - answer.now) * 1000 + answer.known_rest, 0)
        used = -(-reset_ns // counter.interval_ns)
    return State(used, max(counter.capacity - used - answer.free, 0), answer.free, reset_ns)


async def mend(store: Store, store_id: str, counter: Counter, used: int) -> None:
    """Sets what was used; workers take it for true within a second. Raises StoreDown as `look`."""
    script = load("mend")
    kind = counter.script.name
    amount = used * counter.interval_ns if kind == "rate" else used
    rest_us = int(counter.limits[2]) - int(counter.limits[1]) if kind == "quota" else 3 * TTL_US
    call = Call(script, script.sha, counter.keys[:2], (store_id, kind, amount, rest_us + 3 * TTL_US))
    (done,) = await store.call([call])
    if not done:
        raise StoreDown("it is not the store that the gateways of this host know")
