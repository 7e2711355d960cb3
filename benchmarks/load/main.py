"""The load benchmark from beginning to end: memory at rest, idle connections, slow streams, table, JSON."""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from benchmarks import cpu, http, payloads
from benchmarks.cores import Cores, pick, staying_on
from benchmarks.errors import BenchmarkError
from benchmarks.load import attackers, scenarios
from benchmarks.peers.nginx import Nginx
from benchmarks.peers.peer import Running
from benchmarks.peers.tidegate import Gateway
from benchmarks.peers.variants import Variant, named, policy_text
from benchmarks.processes import free_port, running
from benchmarks.report import table, write_json
from benchmarks.upstream import Upstream, constant_upstream

INTERVAL_S = 0.25  # four events a second a stream: a slow model
FIRST_TOKENS = 500  # streams by each way, one at a time
MOST_ADDED_US = 100  # to the first token, over a pass-through
MOST_SLOWER = 1.2  # of honest clients' 99th percentile, beside slow attackers
MOST_AT_REST = 80_000_000  # bytes resident of a worker that has served nothing yet
_FILES = 8192  # the worker holds two sockets a stream

T = TypeVar("T")


def _allow_files() -> None:
    """Raise the soft limit of open files, which the processes started here inherit. Raises BenchmarkError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= _FILES or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < _FILES:
        raise BenchmarkError(f"{_FILES} open files are needed; the hard limit is {hard} (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, hard))


@contextmanager
def slow_upstream(folder: Path, core: int, events: int, interval_s: float = INTERVAL_S) -> Iterator[int]:
    """The slow upstream on `core`: its port."""
    port = free_port()
    arguments = [str(number) for number in (port, events, int(interval_s * 1000))]
    command = [sys.executable, "-m", "benchmarks.load.slow_upstream", *arguments]
    with running(
        "the slow upstream",
        command,
        core=core,
        ready=lambda: http.request(port, "GET", "/") is not None,
        log=folder / "upstream.log",
    ):
        yield port


@contextmanager
def _gateway(folder: Path, variant: Variant, upstream: int, cores: Cores) -> Iterator[Running]:
    """tidegate with that variant of the policy, and a key for it."""
    folder.mkdir()
    gateway = Gateway(folder, policy_text(variant), f"http://127.0.0.1:{upstream}/v1")
    headers = (f"Authorization: Bearer {gateway.create_key()}",) if variant.key else ()
    with gateway.serve(cores.proxy) as pid:
        yield Running(pid, gateway.port, variant.path, headers)


def _first_tokens(folder: Path, cores: Cores) -> list[scenarios.FirstToken]:
    """Straight to an upstream that does not wait, through nginx, and through the gateway with every control on."""
    with slow_upstream(folder, cores.load, 1, 0.0) as upstream:
        nginx = Nginx()
        (folder / "nginx").mkdir()
        nginx.prepare(folder / "nginx", Upstream(upstream), cores)
        with nginx.start() as passed, _gateway(folder / "first", named("tidegate"), upstream, cores) as proxy:
            ways = [("straight", Running(0, upstream)), ("nginx", passed), ("tidegate", proxy)]
            return _run(scenarios.first_tokens(ways, FIRST_TOKENS))


def _at_rest(proxy: Running) -> tuple[int, int]:
    """Resident bytes of the supervisor and of the worker. Raises BenchmarkError when there is no worker."""
    workers = [cpu.memory(pid).rss for pid in cpu.tree(proxy.pid) if pid != proxy.pid]
    if not workers:
        raise BenchmarkError("the gateway has no worker process")
    return cpu.memory(proxy.pid).rss, max(workers)


def _run(scenario: Coroutine[None, None, T]) -> T:
    return asyncio.run(scenario)


def main(*, seconds: float, out: Path, progress: Callable[[str], None]) -> bool:
    """Run it: streams of `seconds`. Whether memory at rest, the first token and honest clients keep to their floors.
    Raises BenchmarkError."""
    cores = pick()
    _allow_files()
    events = max(2, round(seconds / INTERVAL_S))
    on, relayed = named("tidegate"), named("tidegate -redaction")
    with (
        staying_on(cores.load),
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as scratch,
        slow_upstream(Path(scratch), cores.load, events) as upstream,
    ):
        folder = Path(scratch)
        progress(f"{scenarios.CONNECTIONS:,} idle connections")
        with _gateway(folder / "idle", on, upstream, cores) as proxy:
            supervisor, worker = _at_rest(proxy)
            idle = _run(scenarios.idle(proxy))
        progress(f"{scenarios.CONNECTIONS:,} streams, relayed")
        with _gateway(folder / "relayed", relayed, upstream, cores) as proxy:
            relay = _run(scenarios.streams(proxy, events, INTERVAL_S))
        progress(f"{scenarios.CONNECTIONS:,} streams, redacted")
        with _gateway(folder / "redacted", on, upstream, cores) as proxy:
            redacted = _run(scenarios.streams(proxy, events, INTERVAL_S))
        progress(f"{attackers.ATTACKERS:,} slow attackers")
        body = folder / "request.json"
        body.write_bytes(payloads.REQUEST)
        with (
            constant_upstream(folder / "constant", core=cores.load) as constant,
            _gateway(folder / "attacked", on, constant.port, cores) as proxy,
        ):
            attack = _run(attackers.measure(proxy, body, cores.load))
        progress("time to the first token")
        first = _first_tokens(folder, cores)
    added = first[-1].median_us - first[-2].median_us
    held = worker < MOST_AT_REST and added < MOST_ADDED_US and attack.ratio < MOST_SLOWER
    rows = [
        ["supervisor at rest", f"{supervisor / 1e6:.1f} MB", "resident"],
        ["worker at rest", f"{worker / 1e6:.1f} MB", "resident"],
        [f"{idle.count:,} idle connections", f"{idle.bytes_per_connection:,.0f} B", "a connection; all answered again"],
    ]
    for name, figures in (("relayed", relay), ("redacted", redacted)):
        what = f"{figures.count:,} streams, {name}"
        rows += [
            [what, f"{figures.bytes_per_stream:,.0f} B", "a stream, at the highest"],
            ["", f"{figures.cpu_us_per_event:.1f} us", "CPU an event"],
            ["", f"{figures.first_p50_s * 1000:,.0f} ms", "to the first byte, median"],
            ["", f"{figures.first_p99_s * 1000:,.0f} ms", "to the first byte, 99th percentile"],
        ]
    rows += [
        [
            f"{attack.attackers:,} slow attackers",
            f"{attack.alone_p99_us / 1000:.2f} ms",
            "p99 of honest clients, alone",
        ],
        ["", f"{attack.attacked_p99_us / 1000:.2f} ms", "p99 of honest clients, attacked"],
        ["", f"{(attack.memory_during - attack.memory_before) / 1e6:.1f} MB", "more memory, attacked"],
    ]
    print(table(["load on one worker", "", "what"], [[name, value, "  " + what] for name, value, what in rows]))
    rows = [[each.name, f"{each.median_us:,.0f}", f"{each.added_us:,.0f}"] for each in first]
    print(f"\n{table(['us to the first token, one stream at a time', 'median', 'added'], rows)}")
    verdict = "held" if worker < MOST_AT_REST else "MISSED"
    print(f"\nfloor: worker at rest < {MOST_AT_REST / 1e6:.0f} MB: {worker / 1e6:.1f} MB: {verdict}")
    verdict = "held" if added < MOST_ADDED_US else "MISSED"
    print(f"floor: first token later than through nginx by < {MOST_ADDED_US} us: {added:.0f} us: {verdict}")
    verdict = "held" if attack.ratio < MOST_SLOWER else "MISSED"
    print(f"floor: honest clients' p99 under attack < {MOST_SLOWER} of it alone: {attack.ratio:.2f}: {verdict}")
    written = {
        "at_rest": {"supervisor": supervisor, "worker": worker, "most": MOST_AT_REST, "held": held},
        "idle": idle,
        "relayed": relay,
        "redacted": redacted,
        "attack": attack,
        "first_tokens": first,
    }
    write_json(out / "load.json", written)
    print(f"written: {out / 'load.json'}")
    return held
