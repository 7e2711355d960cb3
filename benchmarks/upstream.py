"""The constant upstream: an nginx that gives the same answer to every POST and counts what it was asked.

It is as cheap as an upstream can be, so that the load's core does not become the bottleneck, and its counter tells
that every answer really came from it: a proxy that answers by itself would look fast. A path below `/found/` gets
the answer with two findings in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks import http, payloads
from benchmarks.errors import BenchmarkError
from benchmarks.processes import free_port, running, tool

# Connections live as long as a run does: reconnecting is not what is measured.
_KEEPALIVE_REQUESTS = 1_000_000_000


def nginx_head(folder: Path) -> str:
    """Main and http lines that every nginx of the harness shares; its scratch files stay in `folder`."""
    user = "user root;\n" if os.geteuid() == 0 else ""  # else its worker may not enter our folder
    temporary = "\n".join(
        f"    {kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""{user}daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests {_KEEPALIVE_REQUESTS};
    keepalive_timeout 3600s;
{temporary}
"""


def nginx_command(configuration: Path) -> list[str]:
    """How an nginx with that configuration is started in the foreground."""
    return [tool("nginx", "nginx"), "-e", "stderr", "-p", str(configuration.parent), "-c", str(configuration)]


def _quoted(text: bytes) -> str:
    """`text` as an nginx string. There is no escape for a dollar sign in it, which would name a variable."""
    decoded = text.decode()
    if "$" in decoded:
        raise ValueError("an answer with a dollar sign cannot be written in an nginx configuration")
    escaped = decoded.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Seen(NamedTuple):
    """Connections accepted and requests answered since the start."""

    connections: int
    requests: int


@dataclass(frozen=True)
class Upstream:
    """A running upstream."""

    port: int

    def seen(self) -> Seen:
        """What it has seen so far, this question not counted. Raises BenchmarkError when it does not answer."""
        got = http.request(self.port, "GET", "/stub_status")
        if got is None or got.status != 200:
            raise BenchmarkError("the upstream is gone")
        # The third line holds: accepts handled requests.
        accepts, _, requests = map(int, got.body.split(b"\n")[2].split())
        return Seen(accepts - 1, requests - 1)

    def ready(self) -> bool:
        """Whether it listens."""
        return http.request(self.port, "GET", "/stub_status") is not None


@contextmanager
def constant_upstream(folder: Path, *, core: int) -> Iterator[Upstream]:
    """A constant upstream on `core` with its files in `folder`, stopped on the way out."""
    folder.mkdir(parents=True)
    upstream = Upstream(free_port())
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""{nginx_head(folder)}
    default_type application/json;
    server {{
        listen 127.0.0.1:{upstream.port} backlog=4096;
        location = /stub_status {{ stub_status; }}
        location /found/ {{ return 200 {_quoted(payloads.FOUND)}; }}
        location / {{ return 200 {_quoted(payloads.ANSWER)}; }}
    }}
}}
"""
    )
    with running(
        "the upstream (nginx)",
        nginx_command(configuration),
        core=core,
        ready=upstream.ready,
        log=folder / "nginx.log",
    ):
        yield upstream
