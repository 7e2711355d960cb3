"""The way of a request, in order. Start reading here.

    accept     a connection's request: the client's address, through trusted proxies only; network rules
    identify   credential -> Principal (API key, access token, or the declared anonymous role)
    authorize  Principal + endpoint; limits that depend on address and principal are taken before the body is read
    validate   body -> a typed request; the model and parameters against the roles -> Permit
    admit      Reservation over every limit that applies: all or none
    forward    needs the Permit and the Reservation -> the bytes for the upstream
    sanitize   answer or stream -> redacted; the same code for both
    settle     what was used is charged, exactly once; always runs
    record     audit line and counters; always runs, after early refusals too

The phases are small functions over one `RequestContext`. They read and write no socket: the two doors (the fast lane
and aiohttp) call `Pipeline` with bytes and get bytes or a `Refusal`. Any other exception of a phase is a bug in the
gateway; the doors turn it into a 500 and nothing is forwarded.

What has to ask the network (a credential, a shared limit) gives something to await in place of its answer. Nothing that
was decided before it is decided again: a request is authorised once, and its limits are taken once.

    Pipeline.open  ->  Pipeline.head  ->  Pipeline.body  ->  ... answer ...  ->  Pipeline.close
                        accept             validate          sanitize             settle
                        identify           admit                                  record
                        authorize          forward
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from time import monotonic, time_ns
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import (
    BAD_REQUEST,
    CONTENT_TYPES,
    INTERNAL,
    REVOKED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    Pending,
    Refusal,
    render,
)
from engine.identity.principal import Principal
from engine.identity.store import IdentityUnavailable
from engine.pipeline.accept import accept
from engine.pipeline.admit import admit
from engine.pipeline.authorize import authorize, count_failure, count_unauthenticated
from engine.pipeline.context import RequestContext, Reservation
from engine.pipeline.forward import Outgoing, forward, forward_form
from engine.pipeline.identify import BadCredential, identify
from engine.pipeline.pending import decided
from engine.pipeline.record import record
from engine.pipeline.sanitize import sanitize, sanitize_error
from engine.pipeline.settle import note_sent, settle
from engine.pipeline.usage import ask_for_usage
from engine.pipeline.validate import settle_permit, validate, validate_form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.access.failures import FailureTable
    from engine.identity.store import KeyCache
    from engine.identity.tokens import TokenAuthority
    from engine.pipeline.meters import Meters
    from engine.policy.snapshot import Endpoint, Permit, Snapshot
    from engine.telemetry.audit import AuditWriter
    from engine.validation.form import Form

PHASES = (accept, identify, authorize, validate, admit, forward, sanitize, settle, record)


class Reply(NamedTuple):
    """An answer that the gateway gives itself. `headers` are lines that end in CRLF, without Content-Length."""

    status: int
    headers: bytes
    body: bytes


class Pipeline:
    """The phases bound to what they need in one worker. `snapshot` is replaced whole when the policy changes."""

    __slots__ = ("_count", "_prefix", "audit", "failures", "keys", "meters", "snapshot", "tokens")

    def __init__(self, snapshot: Snapshot, keys: KeyCache, audit: AuditWriter | None, meters: Meters) -> None:
        self.snapshot = snapshot
        self.keys = keys
        self.tokens: TokenAuthority | None = None
        self.failures: FailureTable | None = None
        self.audit = audit
        self.meters = meters
        # Request ids are unique over workers and restarts; they need not be secret.
        self._prefix = f"req_{os.urandom(6).hex()}"
        self._count = 0

    def open(
        self,
        method: str,
        path: str,
        endpoint: Endpoint | None,
        headers: dict[bytes, bytes],
        address: bytes,
        address_text: str,
    ) -> RequestContext:
        """A context for a request whose head is known. It must be closed."""
        self._count += 1
        return RequestContext(
            f"{self._prefix}{self._count:06x}",
            self.snapshot,
            method,
            path,
            endpoint,
            headers,
            address,
            address_text,
            time_ns(),
            monotonic(),
        )

    def anyone(self, ctx: RequestContext) -> None:
        """accept alone: all that a request needs which asks for what everybody may know. Raises Refusal."""
        if self.audit is not None and not self.audit.has_room():
            raise Refusal(UNAVAILABLE, "Requests cannot be recorded at the moment.", retry_after=1, control="audit")
        accept(ctx)

    def head(self, ctx: RequestContext) -> Awaitable[None] | None:
        """accept, identify, authorize: all that needs only the head. Raises Refusal.

        None: done. Otherwise the credential or a limit takes the network to check, and what is returned is to be
        awaited before anything else is done with the request; it raises Refusal too.
        """
        self.anyone(ctx)
        ctx.generation = self.keys.follow()
        try:
            found = identify(ctx, self.keys, self.tokens)
        except Refusal as refusal:
            return self._unidentified(ctx, refusal)
        if not isinstance(found, Principal):
            return self._identified_later(ctx, found)
        if ctx.endpoint is not None:
            try:
                authorize(ctx, found)
            except Pending as pending:
                return _decided_later(ctx, partial(authorize, ctx, found), pending)
        return None

    async def _identified_later(self, ctx: RequestContext, pending: Awaitable[Principal]) -> None:
        try:
            principal = await pending
        except Refusal as refusal:
            ctx.now_ns = time_ns()
            await self._unidentified(ctx, refusal)
            raise
        if ctx.endpoint is not None:
            await _decided_later(ctx, partial(authorize, ctx, principal))

    def _unidentified(self, ctx: RequestContext, refusal: Refusal) -> Awaitable[None]:
        """Counts a request that nobody is known for. Raises the refusal, or (429, 503) another in its place, or gives
        what is to be awaited before it is raised."""
        if refusal.kind is UNAUTHENTICATED:
            try:
                count_unauthenticated(ctx)
            except Pending as pending:
                return self._counted_later(ctx, refusal, pending)
        return self._failed(ctx, refusal)

    async def _counted_later(self, ctx: RequestContext, refusal: Refusal, pending: Pending) -> None:
        await _decided_later(ctx, partial(count_unauthenticated, ctx), pending)
        await self._failed(ctx, refusal)

    def _failed(self, ctx: RequestContext, refusal: Refusal) -> Awaitable[None]:
        """Counts a credential that failed, once the request is counted. Raises, or gives, as `_unidentified`."""
        if isinstance(refusal, BadCredential):
            refusal, delay_s = count_failure(ctx, self.failures, refusal)
            if delay_s > 0:
                return _held(refusal, delay_s)
        raise refusal

    def body(self, ctx: RequestContext, body: bytes, query: bytes = b"") -> Outgoing | Awaitable[Outgoing]:
        """validate, admit, forward: the bytes for the upstream, or what to await for them. Raises Refusal; so does what
        is awaited."""
        self._check_revoked(ctx)
        permit, body = validate(ctx, body)
        try:
            reservation = admit(ctx, body)
        except Pending as pending:
            return self._forwarded_later(ctx, permit, body, query, pending)
        return _forwarded(ctx, permit, reservation, body, query)

    async def _forwarded_later(
        self, ctx: RequestContext, permit: Permit, body: bytes, query: bytes, pending: Pending
    ) -> Outgoing:
        reservation = await decided(partial(admit, ctx, body), pending)
        self._check_revoked(ctx)
        return _forwarded(ctx, permit, reservation, body, query)

    async def form(self, ctx: RequestContext, form: Form) -> Outgoing:
        """The same as `body`, for a form."""
        permit, form = validate_form(ctx, form)
        reservation = await decided(partial(admit, ctx, b""))
        self._check_revoked(ctx)
        out = forward_form(ctx, permit, reservation, form)
        note_sent(reservation)
        return out

    async def socket(self, ctx: RequestContext, model: str | None) -> Permit:
        """validate and admit, for a WebSocket: its messages are not read. Raises Refusal."""
        assert ctx.principal is not None
        assert ctx.endpoint is not None
        if not model:
            raise Refusal(BAD_REQUEST, "The query names no model.", param="model")
        ctx.model = model
        permit = settle_permit(ctx, ctx.snapshot.permit(ctx.principal, ctx.endpoint.name, model))
        reservation = await decided(partial(admit, ctx, b""))
        self._check_revoked(ctx)
        note_sent(reservation)
        return permit

    def _check_revoked(self, ctx: RequestContext) -> None:
        """Raises Refusal (401, 503) for a key that was revoked while the rest of its request was awaited."""
        if ctx.principal is None or self.keys.follow() == ctx.generation:
            return
        try:
            revoked = self.keys.is_revoked(ctx.principal)
        except IdentityUnavailable:
            raise Refusal(UNAVAILABLE, "Credentials cannot be checked at the moment.", control="identify") from None
        if revoked:
            raise Refusal(REVOKED, "The credential was revoked.")

    def answer(self, ctx: RequestContext, media: bytes, body: bytes) -> bytes:
        """sanitize, for an answer that is there as a whole. Raises Refusal."""
        return sanitize(ctx, media, body)

    def error(self, ctx: RequestContext, status: int, media: bytes, headers: bytes, body: bytes) -> tuple[bytes, bytes]:
        """The same for an upstream's error: its header lines, which are `headers` with another Content-Type where the
        error is not the upstream's any more, and its body."""
        kind, body = sanitize_error(ctx, status, media, body)
        if kind is not media:
            headers = headers.replace(b"content-type: %b\r\n" % media, b"content-type: %b\r\n" % kind, 1)
        return headers, body

    def headers(self, ctx: RequestContext, content_type: bytes) -> bytes:
        """The header lines that every answer of this request carries."""
        bound = ctx.late or ctx.bound
        limits = bound.headers(ctx.now_ns, ctx.dialect) if bound is not None else b""
        return b"".join((b"content-type: ", content_type, b"\r\nx-request-id: ", ctx.id.encode(), b"\r\n", limits))

    def refuse(self, ctx: RequestContext, refusal: Refusal) -> Reply:
        """The answer to a refused request in the client's dialect; its reason goes into the context."""
        kind = refusal.kind
        ctx.status = kind.status
        ctx.reason = kind.code
        dialect = ctx.dialect
        lines = [self.headers(ctx, CONTENT_TYPES[dialect])]
        if refusal.retry_after is not None:
            lines.append(b"retry-after: %d\r\n" % refusal.retry_after)
        # Both official SDKs read this; without it they would repeat a refusal that no retry can change.
        lines.append(b"x-should-retry: true\r\n" if kind.retry else b"x-should-retry: false\r\n")
        lines += [f"{name}: {value}\r\n".encode("latin-1") for name, value in refusal.headers]
        return Reply(kind.status, b"".join(lines), render(refusal, dialect, ctx.id))

    def error_event(self, ctx: RequestContext, refusal: Refusal) -> bytes:
        """A server-sent event that ends a stream that has begun, in the client's dialect."""
        ctx.reason = refusal.kind.code
        data = render(refusal, ctx.dialect, ctx.id)
        return (b"event: error\ndata: %b\n\n" if ctx.dialect == "anthropic" else b"data: %b\n\n") % data

    def close(self, ctx: RequestContext, status: int, sent: bool, answer_bytes: int = 0) -> None:
        """settle and record, exactly once; a second call does nothing. `sent`: see `settle`."""
        if ctx.closed:
            return
        ctx.closed = True
        ctx.status = status
        ctx.answer_bytes = answer_bytes
        settle(ctx, sent)
        record(ctx, monotonic() - ctx.started, self.audit, self.meters)


async def _decided_later(ctx: RequestContext, phase: Callable[[], None], pending: Pending | None = None) -> None:
    """`decided` for a phase of the head: its limits are taken at the time of each call, not when the head came."""

    def now() -> None:
        ctx.now_ns = time_ns()
        phase()

    await decided(now, pending)


def _forwarded(ctx: RequestContext, permit: Permit, reservation: Reservation, body: bytes, query: bytes) -> Outgoing:
    if ctx.stream:
        body = ask_for_usage(ctx, body)
    out = forward(ctx, permit, reservation, body, query)
    note_sent(reservation)
    return out


async def _held(refusal: Refusal, delay_s: float) -> None:
    await asyncio.sleep(delay_s)
    raise refusal


def internal_error() -> Refusal:
    """What a client is told when the gateway itself failed; the traceback goes to the log only."""
    return Refusal(INTERNAL, "The gateway failed to process the request.")


__all__ = ["PHASES", "Pipeline", "Reply", "internal_error"]
