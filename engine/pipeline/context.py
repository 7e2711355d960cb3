"""One request's life, as the phases see it: what came, who sent it, what was decided, what it cost.

A context is made when the head of a request is known and closed exactly once, whatever happens in between. Phases read
and write it; they hold no state of their own. It knows no socket: bytes, numbers and times only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import Dialect

if TYPE_CHECKING:
    from engine.identity.certificate import Certificate
    from engine.identity.principal import Principal
    from engine.limits.limiter import Bound
    from engine.limits.metered import Held
    from engine.limits.shared.bound import SharedBound
    from engine.limits.shared.metered import SharedHeld
    from engine.pipeline.usage import UsageTap
    from engine.policy.snapshot import Endpoint, Permit, Snapshot
    from engine.redaction.profile import Profile
    from engine.validation.answer_shape import AnswerShape
    from engine.validation.decode import Request


class Reservation:
    """What `admit` took for one request: every limit that applies, or none.

    `forward` cannot be called without one. It is given back (nothing was used) or kept (settled) exactly once; a second
    call does nothing. `taken` are the counters it was taken from, each with the time (ns) at which it was taken; `held`
    is what has to be settled, and the rest is known of the answer only where something is: whether one came
    (`answered`), what reads its stream (`tap`), the tokens that were counted in it, and whether a report of its use was
    asked for that the client did not ask for.
    """

    __slots__ = ("answered", "asked_usage", "closed", "counted", "held", "taken", "tap")

    def __init__(
        self, taken: tuple[tuple[Bound | SharedBound, int], ...], held: Held | SharedHeld | None = None
    ) -> None:
        self.taken = taken
        self.held = held
        self.closed = False
        self.answered = False
        self.asked_usage = False
        self.counted = 0
        self.tap: UsageTap | None = None

    def give_back(self, now_ns: int) -> None:
        if not self.closed:
            self.closed = True
            for bound, taken_ns in self.taken:
                bound.give_back(now_ns, taken_ns=taken_ns)
            if self.held is not None:
                self.held.give_back(now_ns)

    def keep(self) -> None:
        self.closed = True


class Usage:
    """Tokens that the upstream reported for one answer. -1 stands for "not reported"."""

    __slots__ = ("input", "output")

    def __init__(self, input: int = -1, output: int = -1) -> None:
        self.input = input
        self.output = output

    def merge(self, input: int, output: int) -> None:
        """Takes later reports over earlier ones, field by field: a stream reports input first and output last."""
        if input >= 0:
            self.input = input
        if output >= 0:
            self.output = output


class RequestContext:
    """Everything known of one request. Times: `now_ns` wall clock in ns, `started` and `answered` monotonic seconds."""

    __slots__ = (
        "address",
        "address_text",
        "answer_bytes",
        "blocked_by",
        "bound",
        "certificate",
        "closed",
        "endpoint",
        "findings",
        "generation",
        "headers",
        "id",
        "late",
        "limited_by",
        "limits_mode",
        "method",
        "model",
        "now_ns",
        "path",
        "permit",
        "principal",
        "profile",
        "reason",
        "redaction",
        "request",
        "request_bytes",
        "reservation",
        "shape",
        "snapshot",
        "started",
        "status",
        "stream",
        "turns",
        "usage",
        "validated",
    )

    def __init__(
        self,
        id: str,
        snapshot: Snapshot,
        method: str,
        path: str,
        endpoint: Endpoint | None,
        headers: dict[bytes, bytes],
        address: bytes,
        address_text: str,
        now_ns: int,
        started: float,
    ) -> None:
        self.id = id
        self.snapshot = snapshot
        self.method = method
        self.path = path
        self.endpoint = endpoint
        self.headers = headers
        self.address = address
        self.address_text = address_text
        self.now_ns = now_ns
        self.started = started
        # What the client's connection has shown, where TLS asks for it.
        self.certificate: Certificate | None = None
        self.principal: Principal | None = None
        self.bound: Bound | SharedBound | None = None
        self.late: Bound | SharedBound | None = None
        self.permit: Permit | None = None
        # The redaction of the answer: the role's, or the same made for this request; None where none is switched on.
        self.profile: Profile | None = None
        self.reservation: Reservation | None = None
        # What the answer is held against; None where the policy has nothing for it.
        self.shape: AnswerShape | None = None
        self.request: Request | None = None
        self.model: str | None = None
        self.stream = False
        self.validated = False
        self.usage: Usage | None = None
        self.findings: dict[str, int] | None = None
        self.redaction: str | None = None
        self.blocked_by: str | None = None
        self.limited_by: str | None = None
        self.limits_mode: str | None = None
        self.turns = 0
        self.reason: str | None = None
        self.status = 0
        self.request_bytes = 0
        self.answer_bytes = 0
        self.closed = False
        # Of the key store, when the credential was looked up.
        self.generation = 0

    @property
    def dialect(self) -> Dialect:
        """The dialect in which this client is answered; of an unknown route, the one its path and headers suggest."""
        if self.endpoint is not None:
            return self.endpoint.dialect
        return "anthropic" if b"anthropic-version" in self.headers else "openai"
