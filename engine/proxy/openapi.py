"""`GET /openapi.json`: what this gateway serves to the caller, as OpenAPI 3.1.

For who has a credential, or is let in without one; an endpoint that none of the caller's roles allows is not in it. The
schemas of requests are those that they are held to, of routes the policy's own. WebSockets have no place in OpenAPI.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import orjson

from engine import __version__
from engine.errors import Refusal
from engine.proxy.resource import WELL_KNOWN
from engine.validation.decode import ENDPOINTS
from engine.validation.json_schemas import PREFIX, components, request_name

if TYPE_CHECKING:
    from engine.errors import Dialect
    from engine.identity.principal import Principal
    from engine.policy.snapshot import Endpoint, Snapshot

OPENAPI: Final = "/openapi.json"

_JSON: Final = "application/json"
_ERRORS: Final[dict[Dialect, tuple[str, str]]] = {
    "openai": (_JSON, "OpenAIError"),
    "anthropic": (_JSON, "AnthropicError"),
    "generic": ("application/problem+json", "Problem"),
}
_TEXT: Final = {"type": "string"}
_SCHEMAS: Final[dict[str, Any]] = {
    "OpenAIError": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": _TEXT,
                    "type": {"type": ["string", "null"]},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "integer", "null"]},
                },
                "required": ["message"],
            }
        },
        "required": ["error"],
    },
    "AnthropicError": {
        "type": "object",
        "properties": {
            "type": {"const": "error"},
            "error": {"type": "object", "properties": {"type": _TEXT, "message": _TEXT}, "required": ["message"]},
            "request_id": {"type": ["string", "null"]},
        },
        "required": ["error"],
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457",
        "properties": {"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT, "code": _TEXT, "param": _TEXT},
        "required": ["title", "status"],
    },
    "Named": {"type": "object", "properties": {"model": {"type": "string", "minLength": 1}}, "required": ["model"]},
    "Model": {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]},
    "Models": {
        "type": "object",
        "properties": {"data": {"type": "array", "items": {"$ref": f"{PREFIX}Model"}}},
        "required": ["data"],
    },
}
# Documents at hand, of some 200 KB each: one for each set of endpoints that a caller may have.
_REMEMBERED: Final = 16
_written: dict[tuple[str, tuple[str, ...]], bytes] = {}
_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key"},
}


async def document(snapshot: Snapshot, principal: Principal) -> bytes:
    """The document for one caller."""
    permitted = []
    for endpoint in (*snapshot.endpoints.values(), *snapshot.kept.values()):
        try:
            snapshot.check_endpoint(principal, endpoint.name)
        except Refusal:
            continue
        permitted.append(endpoint)
    key = (snapshot.revision, tuple(endpoint.path for endpoint in permitted))
    found = _written.get(key)
    if found is None:
        # The first time takes a good part of a second, in which other requests go on.
        found = await asyncio.to_thread(_write, permitted, snapshot.anonymous is not None)
        if len(_written) >= _REMEMBERED:
            _written.clear()
        _written[key] = found
    return found


def _write(endpoints: list[Endpoint], is_open: bool) -> bytes:
    paths: dict[str, dict[str, Any]] = {}
    schemas: dict[str, Any] = {**components(), **_SCHEMAS}
    for endpoint in endpoints:
        if endpoint.body != "socket":
            for part, schema in (("request", endpoint.request_schema), ("response", endpoint.response_schema)):
                if schema is not None:
                    name = _own_name(endpoint, part)
                    schemas[name] = _moved(schema.source, f"{PREFIX}{name}")
            for method in sorted(endpoint.methods):
                paths.setdefault(endpoint.path, {})[method.lower()] = _operation(endpoint, method)
    own = {"description": "This document.", "content": {_JSON: {"schema": {"type": "object"}}}}
    paths[OPENAPI] = {"get": {"operationId": "openapi", "responses": {"200": own, **_refusals("openai")}}}
    found = {"description": "The issuers whose tokens are accepted (RFC 9728).", **own}
    paths[WELL_KNOWN] = {"get": {"operationId": "issuers", "responses": {"200": found, **_refusals("openai")}}}
    security: list[dict[str, list[str]]] = [{name: []} for name in _SECURITY]
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "tidegate", "version": __version__},
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "security": [*security, {}] if is_open else security,
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": schemas, "securitySchemes": _SECURITY},
        }
    )


def _operation(endpoint: Endpoint, method: str) -> dict[str, Any]:
    name = endpoint.path.strip("/").replace("/", "_").replace("{id}", "id")
    operation: dict[str, Any] = {"operationId": f"{method.lower()}_{name}", "tags": [endpoint.name]}
    if "{id}" in endpoint.path:
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if endpoint.name != "models":
            schema["pattern"] = "^[A-Za-z0-9_-]{1,128}$"
        operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": schema}]
    request = _request(endpoint) if method in ("POST", "PUT", "PATCH") else None
    if request is not None:
        operation["requestBody"] = {"required": True, "content": request}
    operation["responses"] = {"200": _answer(endpoint), **_refusals(endpoint.dialect)}
    return operation


def _request(endpoint: Endpoint) -> dict[str, Any] | None:
    if endpoint.name in ENDPOINTS:
        return {_JSON: {"schema": {"$ref": PREFIX + request_name(endpoint.name)}}}
    if endpoint.body == "json":
        return {_JSON: {"schema": {"$ref": f"{PREFIX}Named"}}}
    if endpoint.body == "form":
        return {"multipart/form-data": {"schema": {"$ref": f"{PREFIX}Named"}}}
    if endpoint.body == "file":
        return {"multipart/form-data": {"schema": {"type": "object"}}}
    if endpoint.request_schema is None:
        return {_JSON: {"schema": {}}}
    return {_JSON: {"schema": {"$ref": f"{PREFIX}{_own_name(endpoint, 'request')}"}}}


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    content: dict[str, Any] = {_JSON: {"schema": {}}}
    if endpoint.name == "models":
        content = {_JSON: {"schema": {"$ref": f"{PREFIX}{'Model' if '{id}' in endpoint.path else 'Models'}"}}}
    elif endpoint.body == "dialect":
        content = {_JSON: {"schema": {"type": "object"}}, "text/event-stream": {"schema": _TEXT}}
    elif endpoint.response_schema is not None:
        content = {_JSON: {"schema": {"$ref": f"{PREFIX}{_own_name(endpoint, 'response')}"}}}
    elif endpoint.body in ("json", "form", "file"):
        content = {"*/*": {}}
    return {"description": "What the upstream answered.", "content": content}


def _own_name(endpoint: Endpoint, part: str) -> str:
    return f"route.{endpoint.name}.{part}"


def _moved(schema: Any, place: str) -> Any:
    """A policy's own schema, its references those of its place in the document."""
    if isinstance(schema, list):
        return [_moved(item, place) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: place + value[1:]
        if name == "$ref" and isinstance(value, str) and (value == "#" or value.startswith("#/"))
        else _moved(value, place)
        for name, value in schema.items()
    }


def _refusals(dialect: Dialect) -> dict[str, Any]:
    media, name = _ERRORS[dialect]
    content = {media: {"schema": {"$ref": PREFIX + name}}}
    return {
        "4XX": {"description": "Refused by the gateway or the upstream.", "content": content},
        "5XX": {"description": "The gateway or the upstream cannot do it.", "content": content},
    }
