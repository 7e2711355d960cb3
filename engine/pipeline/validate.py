"""validate: the body becomes a typed request, and the model and parameters are held against the roles.

The bytes are read once, strictly (no duplicate keys, no odd numbers, bounded depth), so that the upstream cannot read
them another way. A generic route has no model and no known shape: its body is read by the same strict reader only. A
form is read whole and written anew, so that it too has one reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from engine.errors import BAD_REQUEST, FORBIDDEN, UNSUPPORTED_MEDIA, Refusal
from engine.extraction.probing import refuse_probing
from engine.redaction.prompt import prompts_of
from engine.validation.decode import ENDPOINTS, decode, decode_named, guard
from engine.validation.hygiene import INPUT
from engine.validation.openai_chat import ChatRequest
from engine.validation.openai_completions import CompletionsRequest
from engine.validation.unknown import settle_unknown

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext
    from engine.policy.snapshot import Permit
    from engine.validation.form import Form


def validate(ctx: RequestContext, body: bytes) -> tuple[Permit, bytes]:
    """The permit for this request and the body that may go upstream. Raises Refusal (400, 403, 404, 415)."""
    snapshot, endpoint, principal = ctx.snapshot, ctx.endpoint, ctx.principal
    assert endpoint is not None
    assert principal is not None
    ctx.request_bytes = len(body)
    check_media(ctx)
    if endpoint.body == "dialect":
        request = decode(endpoint.name, body, snapshot.bounds)
        ctx.request = request
        ctx.model = request.model
        ctx.stream = request.stream
        if snapshot.bounds.unknown_fields != "allow":
            body = settle_unknown(type(request.shape), body, snapshot.bounds.unknown_fields)
        permit = snapshot.permit(principal, endpoint.name, request.model)
        shape = request.shape
        if not permit.role.may_probe:
            if isinstance(shape, ChatRequest):
                if shape.logit_bias:
                    refuse_probing(body, "logit_bias")
            elif isinstance(shape, CompletionsRequest):
                if shape.logit_bias:
                    refuse_probing(body, "logit_bias")
                elif shape.echo:
                    refuse_probing(body, "echo")
        body = _settle_parameters(permit, body)
        if snapshot.shapes is not None:
            ctx.shape = snapshot.shapes.of(endpoint.name, body)
    elif endpoint.body == "json":
        if endpoint.name in ENDPOINTS:
            shape = decode(endpoint.name, body, snapshot.bounds).shape
            ctx.model, ctx.stream = shape.model, False
            if snapshot.bounds.unknown_fields != "allow":
                body = settle_unknown(type(shape), body, snapshot.bounds.unknown_fields)
        else:
            ctx.model, ctx.stream = decode_named(body, snapshot.bounds)
        permit = snapshot.permit(principal, endpoint.name, ctx.model)
        body = _settle_parameters(permit, body)
    else:
        if body or ctx.method not in ("GET", "DELETE"):
            guard(body, snapshot.bounds)
            if endpoint.request_schema is not None:
                endpoint.request_schema.check(body)
        permit = snapshot.permit(principal, endpoint.name, None)
    settle_permit(ctx, permit)
    if snapshot.flagged_text is not None and body:
        _flag_texts(ctx, body)
    if permit.role.profile.wants_prompt and endpoint.body == "dialect":
        ctx.profile = permit.role.profile.for_prompt(prompts_of(orjson.loads(body)))
    return permit, body


def _flag_texts(ctx: RequestContext, body: bytes) -> None:
    """Puts on the record what the policy flags in the texts of a request."""
    rules = ctx.snapshot.flagged_text
    assert rules is not None
    for _, group in rules.find(body, ctx.snapshot.bounds.max_depth):
        if ctx.findings is None:
            ctx.findings = {}
        name = f"{INPUT}{group}"
        ctx.findings[name] = ctx.findings.get(name, 0) + 1


def _settle_parameters(permit: Permit, body: bytes) -> bytes:
    """Holds a JSON request against its role's parameters; the body that may go on. Raises Refusal (400)."""
    rules = permit.role.parameters
    if rules is not None:
        rules.check(body)
        if rules.caps:
            body = rules.lower(body)
        if rules.strips:
            body = rules.strip(body)
    return body


def validate_form(ctx: RequestContext, form: Form) -> tuple[Permit, Form]:
    """The same for multipart/form-data. Raises Refusal (400, 403, 404)."""
    snapshot, endpoint, principal = ctx.snapshot, ctx.endpoint, ctx.principal
    assert endpoint is not None
    assert principal is not None
    if endpoint.body == "form":
        ctx.model = form.text("model")
        if not ctx.model:
            raise Refusal(BAD_REQUEST, "The field 'model' is missing.", param="model")
    permit = snapshot.permit(principal, endpoint.name, ctx.model)
    fields = form.as_json()
    guard(fields, snapshot.bounds)
    if snapshot.flagged_text is not None:
        _flag_texts(ctx, fields)
    rules = permit.role.parameters
    if rules is not None:
        rules.check(fields)
        if rules.caps and rules.lower(fields) is not fields:
            raise Refusal(
                BAD_REQUEST, "A parameter of the form asks for more than this role may.", control="parameters"
            )
        if rules.strips:
            form = form.only(rules.strip(fields))
    return settle_permit(ctx, permit), form


def settle_permit(ctx: RequestContext, permit: Permit) -> Permit:
    """Puts the permit in force. Raises Refusal (403) where the role's redaction could not read the answer: it would
    be withheld after it was paid for."""
    assert ctx.endpoint is not None
    profile = permit.role.profile
    if not ctx.endpoint.is_text and profile.active:
        raise Refusal(
            FORBIDDEN,
            "Answers of this endpoint cannot be searched, and your role's answers are to be.",
            control="redaction",
        )
    ctx.permit = permit
    if profile.active:
        ctx.profile = profile
    ctx.validated = True
    return permit


def check_media(ctx: RequestContext) -> None:
    """Refuses (415) a body that is not plain JSON; an absent Content-Type is taken for JSON."""
    content_type = ctx.headers.get(b"content-type")
    if content_type is not None and content_type != b"application/json":
        media, _, parameters = content_type.partition(b";")
        if media.strip().lower() != b"application/json":
            raise Refusal(UNSUPPORTED_MEDIA, "The Content-Type must be application/json.")
        charset = parameters.replace(b" ", b"").replace(b'"', b"").lower()
        if charset not in (b"", b"charset=utf-8"):
            raise Refusal(UNSUPPORTED_MEDIA, "The only charset of JSON is UTF-8 (RFC 8259).")
    encoding = ctx.headers.get(b"content-encoding")
    if encoding is not None and encoding.strip().lower() not in (b"", b"identity"):
        raise Refusal(UNSUPPORTED_MEDIA, "A compressed body is not accepted: send it without Content-Encoding.")
