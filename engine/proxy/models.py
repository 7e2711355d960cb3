"""`GET /v1/models`: the models that the policy names and the caller's roles allow, and `GET /v1/models/NAME`: one that
the caller may use.

Answered by the gateway itself: the upstreams' own lists would name models that nobody may use, and would tell what
stands behind. Patterns such as `gpt-4o*` are rules, not models, and are not listed; what they match is there by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

if TYPE_CHECKING:
    from engine.pipeline.context import RequestContext

# The dialects want a time of creation; the policy knows none.
_CREATED = 0
_CREATED_AT = "1970-01-01T00:00:00Z"


def models(ctx: RequestContext) -> bytes:
    """The body of the answer in the caller's dialect: Anthropic's to a request that carries `anthropic-version`,
    OpenAI's else. Raises Refusal (403, 404) for a model that the caller may not use, or that is none."""
    assert ctx.principal is not None
    assert ctx.endpoint is not None
    is_anthropic = b"anthropic-version" in ctx.headers
    _, _, name = ctx.endpoint.path.partition("/v1/models/")
    if name:
        name = unquote(name)
        ctx.snapshot.permit(ctx.principal, ctx.endpoint.name, name)
        return orjson.dumps(_model(name, is_anthropic))
    names = ctx.snapshot.models_of(ctx.principal)
    data = [_model(name, is_anthropic) for name in names]
    if is_anthropic:
        page = {"data": data, "has_more": False, "first_id": names[0] if names else None}
        return orjson.dumps(page | {"last_id": names[-1] if names else None})
    return orjson.dumps({"object": "list", "data": data})


def _model(name: str, is_anthropic: bool) -> dict[str, object]:
    if is_anthropic:
        return {"type": "model", "id": name, "display_name": name, "created_at": _CREATED_AT}
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "tidegate"}
