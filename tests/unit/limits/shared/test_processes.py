"""Eight processes on one key of one Valkey: what they admit together is the limit, for each kind, run for run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from engine.limits.shared.life import Life
from engine.limits.shared.scripts import BUCKETS, bucket_key
from tests.valkey import ValkeyServer

ROOT = Path(__file__).parents[4]
RUNS = 10
COUNT = 8

WORKER = """
import asyncio, json, mmap, sys, time
from pathlib import Path
from engine._fast.bucket import Table
from engine.errors import Pending
from engine.limits.bound import Denied
from engine.limits.limiter import Limiter
from engine.limits.model import Limit
from engine.limits.rates import Rate
from engine.limits.shared.client import Store
from engine.limits.shared.keeper import Keeper
from engine.limits.shared.life import Life
from engine.limits.shared.sharing import Sharing
from engine.limits.spend import Tariff

class Told:
    def __getattr__(self, name):
        return lambda *_: None

folder, url, runs = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
# A request is 3 tokens of input, 2 of output, 13 units of spend and 7 bytes; each limit is of 40 such requests.
LIMITS = {
    "requests": Limit("requests", "user", Rate(40, 86_400 * 10**9)),
    "daily": Limit("daily", "user", Rate(40, 86_400 * 10**9), window="calendar"),
    "tokens": Limit("tokens", "user", Rate(200, 86_400 * 10**9), kind="tokens"),
    "input": Limit("input", "user", Rate(120, 30 * 86_400 * 10**9), kind="input_tokens", window="calendar"),
    "output": Limit("output", "user", Rate(80, 86_400 * 10**9), kind="output_tokens"),
    "spend": Limit("spend", "user", Rate(520, 30 * 86_400 * 10**9), kind="spend", window="calendar"),
    "bytes": Limit("bytes", "user", Rate(280, 86_400 * 10**9), kind="body_bytes"),
    "parallel": Limit("parallel", "user", None, 40, kind="concurrent"),
}

async def turn(name, bound, held):
    '''One request: whether it was admitted.'''
    while True:
        try:
            if name == "requests":
                return bound.take(time.time_ns()) is None
            result = bound.metered.reserve(time.time_ns(), 3, 2, 7, Tariff(3000, 2000), is_default=False)
        except Pending as pending:
            await asyncio.wait((pending.ready,))
            continue
        if isinstance(result, Denied):
            return False
        if name == "parallel":
            held.append(result)
        else:
            result.settle(time.time_ns(), 3, 2)
        return True

async def main():
    keeper = Keeper(Store(url, 10.0), Life(folder), Told(), folder / "leases")
    await keeper.start()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    held, admitted, bounds = [], {}, {}
    table = Table(mmap.mmap(-1, 4096 * 16), bytes(16))
    for name, limit in LIMITS.items():
        limiter = Limiter(table, [limit], sharing=Sharing(keeper))
        for run in range(runs):
            who = ("k", str(run), None, ("r",), bytes(4))
            bound = limiter.early(*who) if name == "requests" else limiter.late(*who, model=None)
            bounds[f"{name} {run}"] = bound
    admitted = dict.fromkeys(bounds, 0)
    while True:
        for key, bound in bounds.items():
            while await turn(key.split()[0], bound, held):
                admitted[key] += 1
        print(json.dumps(admitted), flush=True)
        # The next pass is when the test says so; what lies idle goes back meanwhile.
        line = await asyncio.to_thread(sys.stdin.readline)
        if not line:
            break
    await keeper.stop()

asyncio.run(main())
"""


def test_eight_processes_admit_exactly_each_limit_in_ten_runs(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(COUNT)]
    with ValkeyServer(save="", appendonly="no") as server, server.client() as client:
        for folder in folders:
            # As after an earlier start: a host that has never seen the store waits for those that have.
            folder.mkdir()
            Life(folder).adopt("store")
        for bucket in range(BUCKETS):
            client.hset(bucket_key(bucket), "id", "store")
        url = f"redis://127.0.0.1:{server.port}/0"
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(folder), url, str(RUNS)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
            for folder in folders
        ]
        try:
            for process in processes:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
            passes = 0
            while True:
                for process in processes:
                    assert process.stdin is not None
                    process.stdin.write("\n")
                    process.stdin.flush()
                counts = [json.loads(process.stdout.readline()) for process in processes]  # type: ignore[union-attr]
                total = {key: sum(count[key] for count in counts) for key in counts[0]}
                assert max(total.values()) <= 40, total
                passes += 1
                if min(total.values()) == 40:
                    break
                assert passes < 1000, total
            # It was no single one of them.
            assert max(sum(count.values()) for count in counts) < sum(total.values())
            assert len(total) == 8 * RUNS
        finally:
            for process in processes:
                process.stdin.close()  # type: ignore[union-attr]
            for process in processes:
                process.wait(30)
                process.stdout.close()  # type: ignore[union-attr]
        assert [process.returncode for process in processes] == [0] * COUNT
