"""nginx as a bare pass-through: the least that a reverse proxy can do, and the unit of every ratio.

One worker, kept-alive connections on both sides, no access log, no filter.
"""

from __future__ import annotations

from benchmarks.peers.peer import CommandPeer
from benchmarks.upstream import Upstream, nginx_command, nginx_head
from benchmarks.wrk import CONNECTIONS


class Nginx(CommandPeer):
    """nginx, `proxy_pass` to the upstream."""

    name = "nginx"
    what = "pass-through, kept-alive upstream connections, no log"

    def configure(self, upstream: Upstream) -> list[str]:
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            f"""{nginx_head(self.folder)}
    upstream llm {{
        server 127.0.0.1:{upstream.port};
        keepalive {2 * CONNECTIONS};
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        location / {{
            proxy_pass http://llm;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
        )
        return nginx_command(configuration)
