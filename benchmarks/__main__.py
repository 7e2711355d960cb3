"""Command line of the benchmarks."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from benchmarks.errors import BenchmarkError

PARTS = ("peers", "micro", "load", "limits", "identity", "redaction", "stream", "quality")
RESULTS = Path("benchmarks/results")

_DESCRIPTION = """Measure tidegate.

peers  CPU time a request, throughput and latency beside nginx, Envoy and an ordinary aiohttp proxy,
       with every control on, off, and switched off in turn. Needs wrk, nginx and the `bench` extra.
micro  each compiled kernel beside its plain-Python oracle and the obvious rival.
limits a decision beside a dict and a Lua call a request, and a simulation of up to 1,000 hosts on one store.
load   1,000 idle connections and 1,000 slow streams on one worker; memory of a connection and at rest.
identity  from a revocation to its effect, on the same host and on another, under load; good credentials beside a flood
       of bad ones.
redaction  nanoseconds a byte by size of the pack and by how much is in the text, load time and memory, and how the time
           grows with the worst texts.
stream     microseconds an event and what is held back, beside holding the whole and a redactor of single chunks.
quality    recall and precision of the built-in rules on a labelled corpus that is made here.
"""


def _positive(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1000:
        raise ValueError(text)
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        "python -m benchmarks", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("part", nargs="?", choices=(*PARTS, "all"), default="all", help="what to measure (all)")
    made.add_argument("--rounds", type=_positive, default=7, metavar="N", help="rounds of every comparison (7)")
    made.add_argument(
        "--seconds", type=_positive, default=4, metavar="S", help="length of one round of one peer or stream (4)"
    )
    made.add_argument("--out", type=Path, default=RESULTS, metavar="DIR", help=f"where JSON and chart go ({RESULTS})")
    made.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="peers or kernels with this name; may be repeated"
    )
    return made


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _stop(number: int, _: FrameType | None) -> None:
    """SIGTERM unwinds like Ctrl-C does, so that what was started is stopped and scratch files go."""
    raise SystemExit(128 + number)


def run(part: str, options: argparse.Namespace) -> bool:
    """Run one part. Whether it was clean and its floors are held. Raises BenchmarkError."""
    # Imported late: micro needs neither the bench extra nor a second core, and peers needs no test tree.
    if part == "peers":
        from benchmarks.peers import main as peers

        return peers.main(
            options.only,
            number_of_rounds=options.rounds,
            seconds=options.seconds,
            out=options.out,
            progress=_progress,
        )
    if part == "micro":
        from benchmarks.micro import main as micro

        return micro.main(options.only, rounds=options.rounds, out=options.out, progress=_progress)
    if part == "limits":
        from benchmarks.limits import main as limits

        return limits.main(rounds=options.rounds, out=options.out, progress=_progress)
    if part == "identity":
        from benchmarks.identity.main import main as identity

        return identity(rounds=options.rounds, seconds=options.seconds, out=options.out, progress=_progress)
    if part == "quality":
        from benchmarks.quality.main import main as quality

        return quality(out=options.out, progress=_progress)
    if part == "redaction":
        from benchmarks.redaction.main import main as redaction

        return redaction(rounds=options.rounds, out=options.out, progress=_progress)
    if part == "stream":
        from benchmarks.stream.main import main as stream

        return stream(rounds=options.rounds, out=options.out, progress=_progress)
    from benchmarks.load import main as load

    return load.main(seconds=options.seconds, out=options.out, progress=_progress)


def main() -> int:
    """Exit status: 0 measured and held, 1 a floor missed or a round failed, 2 could not be measured."""
    made = parser()
    options = made.parse_args()
    if options.part not in ("peers", "micro") and options.only:
        made.error("--only goes with peers or with micro")
    signal.signal(signal.SIGTERM, _stop)
    held = True
    try:
        for part in PARTS if options.part == "all" else (options.part,):
            held &= run(part, options)
    except BenchmarkError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
