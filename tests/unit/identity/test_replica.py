"""The key database as one of several: what is left behind in a thread does not outlive the close, nor bring it down."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.identity.replica import Replica, StoreError
from engine.identity.shared_key import SharedKey


def _key(number: int) -> SharedKey:
    return SharedKey(f"{number:016d}", "alice", ("user",), 1.0, bytes(32))


def test_a_close_waits_for_the_call_that_is_under_way(tmp_path: Path) -> None:
    replica = Replica(tmp_path)
    begun = threading.Event()

    def put() -> None:
        begun.set()
        replica.put([_key(number) for number in range(900)])

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(put)
        begun.wait()
        replica.close()
        refused = call.exception(60)
    # The call came first and all of it is there, or it came last and nothing is.
    assert refused is None or isinstance(refused, StoreError)
    again = Replica(tmp_path)
    assert len(again.changed()[1]) == (900 if refused is None else 0)
    again.close()


def test_after_the_close_every_call_is_an_error(tmp_path: Path) -> None:
    replica = Replica(tmp_path)
    replica.close()
    for call in (
        replica.changed,
        replica.store,
        lambda: replica.adopt("x"),
        lambda: replica.get(["x"]),
        lambda: replica.put([_key(1)]),
    ):
        with pytest.raises(StoreError, match="closed"):
            call()
