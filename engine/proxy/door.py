"""The aiohttp protocol of a connection that left the fast lane.

aiohttp answers by itself what its parser refuses, in plain text. Here such a request gets an answer in a dialect and an
audit line, as at the other door; then the connection ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from engine.errors import BAD_REQUEST, HEADERS_TOO_LARGE, Refusal
from engine.pipeline.phases import internal_error
from engine.proxy.heads import MAX_FIELDS

if TYPE_CHECKING:
    from engine.proxy.lane import Lane
    from engine.proxy.passthrough import Door
    from engine.proxy.peer import Peer


class DoorProtocol(web.RequestHandler):
    """One client connection at the aiohttp door. `server` is the application's."""

    __slots__ = ("_door", "_lane", "peer")

    def __init__(self, server: web.Server, door: Door, lane: Lane, peer: Peer) -> None:
        super().__init__(
            server,
            loop=lane.loop,
            keepalive_timeout=lane.idle_timeout,
            access_log=None,  # type: ignore[arg-type]
            max_line_size=lane.max_header,
            max_field_size=lane.max_header,
            max_headers=MAX_FIELDS,
            # A compressed body is refused, so it is never unpacked.
            auto_decompress=False,
        )
        self._door = door
        self._lane = lane
        self.peer = peer

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that aiohttp could not read, or could not serve."""
        if request.writer is not None and request.writer.output_size > 0:
            raise ConnectionError("part of an answer was sent")
        if status >= 500:
            self.log_exception("a request failed", exc_info=exc)
            refusal = internal_error()
        elif isinstance(exc, LineTooLong):
            refusal = Refusal(HEADERS_TOO_LARGE, "The request's head is too large.")
        else:
            refusal = Refusal(BAD_REQUEST, "The request is not valid HTTP.")
        ctx = self._lane.pipeline.open("", "", None, {}, self.peer.address, self.peer.text)
        return self._door.refuse(ctx, refusal, close=True)
