"""A policy made ready to decide requests: frozen, whole, replaced as one when the file changes.

Nothing is parsed, compiled or looked for on the way of a request. An endpoint is found by its exact path, a permit by
one look-up of (roles, endpoint, model); both maps are bounded.

Rules. A request is allowed if one role of its principal allows both its endpoint and its model. The first such role, in
the principal's order, is the one whose parameters and redaction hold. A role that the policy does not have allows
nothing. Who may not ask for a model is told so, whether or not it exists: what exists is for those who may use it.

Failure modes. `compile_snapshot` raises PolicyError, with the line, for what only the maker of a control can tell (a
rule's pattern, a bound out of range). A snapshot that was made does not fail: `permit` and `check_endpoint` answer or
raise Refusal.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Final, Literal

from engine._fast.bucket import SLOT_BYTES, WINDOW, Table
from engine._fast.budget import Journal
from engine.access.failures import FailedCredentials
from engine.access.globs import MAX_NAME, NameMatcher
from engine.access.network import NetworkRules
from engine.access.roles import Role
from engine.access.scope import addresses_within, models_within
from engine.errors import ADDRESS_DENIED, FORBIDDEN, MODEL_NOT_FOUND, Dialect, Refusal
from engine.extraction.answers import AnswerRules
from engine.extraction.content import ContentRules
from engine.extraction.parameters import ParameterRules, Rule
from engine.identity.certificate import CertificateRule
from engine.identity.principal import Principal, anonymous, assignment
from engine.identity.tokens import TokenConfig
from engine.limits.limiter import Limiter
from engine.limits.shared.sharing import Sharing, check_shareable
from engine.policy import model
from engine.policy.certificates import compile_certificates
from engine.policy.endpoints import ENDPOINTS, NAMED_ONLY, Body, BuiltIn, with_those_beside
from engine.policy.limits import compile_limiter
from engine.policy.loader import Policy
from engine.policy.profiles import compile_profiles
from engine.policy.tokens import compile_tokens
from engine.policy.upstreams import ModelTable, ModelTarget, Price, UpstreamConfig, compile_upstream
from engine.redaction.profile import Profile
from engine.settings import parse_duration, parse_size
from engine.validation.answer_shape import AnswerShapes, ToolSchema
from engine.validation.decode import Bounds
from engine.validation.hygiene import TextRules
from engine.validation.schema import Schema, SchemaError, load_schema

__all__ = [
    "CompiledRole",
    "Endpoint",
    "ModelTarget",
    "Permit",
    "Price",
    "Snapshot",
    "UpstreamConfig",
    "compile_snapshot",
    "scratch_table",
    "verify",
]

# Permits that are remembered. Keys are made of what clients send (a model's name), so that the number needs a bound.
_REMEMBERED: Final = 16_384

# What a provider names its files by: nothing that a path could mean otherwise.
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")

# What stands behind it is a model's name, which may have any character. No upstream gets to see it.
_OF_A_MODEL: Final = "/v1/models/"

# Of a model's name that is refused, what an error repeats.
_SHOWN: Final = 100


@dataclass(frozen=True)
class Endpoint:
    """Something a client may call. `upstream_path` follows the upstream's `path_prefix`.

    `is_hot`: a POST to it is served by the fast lane. `route` is the policy's own route, None for a built-in endpoint.
    `response_text` are JSON pointers to the text in answers, None where the dialect tells. `body` and `is_text`: see
    `engine.policy.endpoints`; a route is read as JSON of any shape, and held against its schemas where it has some.
    """

    name: str
    dialect: Dialect
    path: str
    methods: frozenset[str]
    upstream_path: bytes
    is_hot: bool
    route: model.Route | None
    response_text: tuple[str, ...] | None
    body: Body | None
    is_text: bool = True
    request_schema: Schema | None = None
    response_schema: Schema | None = None


@dataclass(frozen=True)
class CompiledRole:
    """A role with what it decides: whom it lets where, which parameters, and how answers are redacted.

    `may_probe`: its policy allows logprobs by name, so they go together with what `engine.extraction.probing` names.
    `answers`: what of an answer does not leave, None where all of it does.
    """

    name: str
    access: Role
    parameters: ParameterRules | None
    profile: Profile
    may_probe: bool = False
    answers: AnswerRules | None = None


@dataclass(frozen=True)
class Permit:
    """That a request may go upstream: under which role, and where to. Only a snapshot makes one."""

    role: CompiledRole
    target: ModelTarget


@dataclass(frozen=True)
class Snapshot:
    """A compiled policy. `endpoints` is by exact request path, `kept` by one with `{id}` in it; `anonymous` is who has
    no credential, if anybody may. `forwarded` is the
    header that trusted proxies write. `resource` is the URL that clients know this gateway by, where the policy names
    it."""

    revision: str
    api_keys: bool
    anonymous: Principal | None
    endpoints: Mapping[str, Endpoint]
    kept: Mapping[str, Endpoint]
    upstreams: Mapping[str, UpstreamConfig]
    models: ModelTable
    roles: Mapping[str, CompiledRole]
    routes: Mapping[str, ModelTarget]
    network: NetworkRules
    limiter: Limiter
    bounds: Bounds
    tokens: TokenConfig
    certificates: tuple[CertificateRule, ...]
    resource: str | None
    failed_credentials: FailedCredentials | None
    role_networks: Mapping[str, NetworkRules]
    forwarded: bytes
    assigned: frozenset[str]
    upstream_errors: Literal["keep", "scrub", "replace"] = "scrub"
    shapes: AnswerShapes | None = None
    flagged_text: TextRules | None = None
    _permits: dict[tuple[tuple[str, ...], str, str | None], Permit] = field(default_factory=dict, repr=False)
    _callable: set[tuple[tuple[str, ...], str]] = field(default_factory=set, repr=False)

    @property
    def max_body(self) -> int:
        """The largest body of a request, in bytes."""
        return self.bounds.max_body

    @property
    def resource_metadata(self) -> str | None:
        """Where clients find out which tokens are accepted (RFC 9728, section 3.1), where the policy names a URL."""
        if self.resource is None or not self.tokens.issuers:
            return None
        scheme, _, rest = self.resource.partition("://")
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host}/.well-known/oauth-protected-resource{slash}{path}".rstrip("/")

    def at_address(self, principal: Principal, address: bytes) -> Principal:
        """The principal with those of its roles that may be used from a packed address.

        Raises Refusal (403) where none may, or its key may not.
        """
        roles = tuple(
            role
            for role in principal.roles
            if role not in self.role_networks or self.role_networks[role].permits(address)
        )
        key = principal.addresses
        if (principal.roles and not roles) or (key is not None and not addresses_within(key).permits(address)):
            raise Refusal(ADDRESS_DENIED, "This credential may not be used from your address.", control="identify")
        return principal if roles == principal.roles else replace(principal, roles=roles)

    def check_assigned(self, principal: Principal) -> None:
        """Raises Refusal (403) for a key with a limit of its own that the policy does not have."""
        for limit in principal.limits or ():
            if limit not in self.assigned:
                name = limit.partition(":")[2]
                raise Refusal(
                    FORBIDDEN,
                    f"This key is under the limit '{name}', which the policy does not have.",
                    control="limits",
                )

    def endpoint(self, path: str) -> Endpoint | None:
        """What a client asks for by this path, its `{id}` put in where it has one."""
        found = self.endpoints.get(path)
        if found is not None:
            return found
        if path.startswith(_OF_A_MODEL) and path != _OF_A_MODEL:
            found = self.kept.get(_OF_A_MODEL + "{id}")
            return replace(found, path=path) if found is not None else None
        parts = path.split("/")
        if len(parts) < 4 or not _ID.fullmatch(parts[3]):
            return None
        name, parts[3] = parts[3], "{id}"
        found = self.kept.get("/".join(parts))
        if found is None:
            return None
        return replace(found, path=path, upstream_path=found.upstream_path.replace(b"{id}", name.encode()))

    def model_target(self, name: str) -> ModelTarget | None:
        """Where a model's requests go; None for a model that the policy does not have."""
        return self.models.find(name)

    def check_endpoint(self, principal: Principal, endpoint: str) -> None:
        """Raises Refusal (403) unless a role of the principal allows the endpoint of this name."""
        key = (principal.roles, endpoint)
        if key in self._callable:
            return
        for role in self._roles_of(principal):
            if role.access.permits_endpoint(endpoint):
                break
        else:
            raise Refusal(FORBIDDEN, f"Your role does not allow the endpoint '{endpoint}'.", control="roles")
        if len(self._callable) < _REMEMBERED:
            self._callable.add(key)

    def permit(self, principal: Principal, endpoint: str, model: str | None) -> Permit:
        """The permit for a request; `model` is None for an endpoint whose requests name none.

        Raises Refusal: 403 for what no role allows, 404 for a model that the policy does not have.
        """
        if principal.models is not None and model is not None and not models_within(principal.models).matches(model):
            raise Refusal(
                FORBIDDEN, f"This key is not for the model '{model[:_SHOWN]}'.", param="model", control="identify"
            )
        key = (principal.roles, endpoint, model)
        permit = self._permits.get(key)
        if permit is None:
            permit = self._decide(principal, endpoint, model)
            if model is None or len(model) <= MAX_NAME:
                if len(self._permits) >= _REMEMBERED:
                    self._permits.clear()
                self._permits[key] = permit
        return permit

    def models_of(self, principal: Principal) -> list[str]:
        """The names of models that the principal may ask for; of those that only a glob covers, none."""
        roles = self._roles_of(principal)
        scope = models_within(principal.models) if principal.models is not None else None
        return [
            name
            for name in self.models.names
            if any(role.access.permits_model(name) for role in roles) and (scope is None or scope.matches(name))
        ]

    def _roles_of(self, principal: Principal) -> list[CompiledRole]:
        return [self.roles[name] for name in principal.roles if name in self.roles]

    def _decide(self, principal: Principal, endpoint: str, model: str | None) -> Permit:
        self.check_endpoint(principal, endpoint)
        for role in self._roles_of(principal):
            if role.access.permits_endpoint(endpoint) and (model is None or role.access.permits_model(model)):
                return Permit(role, self._target(endpoint, model))
        assert model is not None
        raise Refusal(
            FORBIDDEN, f"Your role does not allow the model '{model[:_SHOWN]}'.", param="model", control="roles"
        )

    def _target(self, endpoint: str, model: str | None) -> ModelTarget:
        if model is None:
            return self.routes[endpoint]
        target = self.models.find(model)
        if target is None:
            raise Refusal(MODEL_NOT_FOUND, f"The model '{model[:_SHOWN]}' does not exist.", param="model")
        return target


def compile_snapshot(
    policy: Policy,
    *,
    table: Table,
    hash_key: bytes,
    journal: Journal | None = None,
    sharing: Sharing | None = None,
) -> Snapshot:
    """The snapshot of a policy. `table` holds the limits' counters, `journal` the open reservations of this process,
    `sharing` the other hosts' part in them (see `Limiter`), `hash_key` keys the hash action of redaction.

    Raises PolicyError.
    """
    document = policy.document
    upstreams = {name: compile_upstream(name, upstream) for name, upstream in document.upstreams.items()}
    profiles = compile_profiles(policy, hash_key)
    role = document.identity.anonymous
    exact, kept = _endpoints(policy, upstreams)
    network = document.network
    return Snapshot(
        revision=policy.revision,
        api_keys=document.identity.api_keys,
        anonymous=anonymous(role) if role else None,
        endpoints=exact,
        kept=kept,
        upstreams=upstreams,
        models=ModelTable(document.routing, upstreams),
        roles={
            name: CompiledRole(
                name,
                Role(name, with_those_beside(entry.endpoints), entry.models, entry.redaction, NAMED_ONLY),
                _parameters(policy, name, entry),
                profiles[entry.redaction],
                entry.parameters.get("logprobs") == "allow",
                _answers(document.answers, entry),
            )
            for name, entry in document.roles.items()
        },
        routes={
            **{name: ModelTarget(name, upstream, None) for name, upstream in _keepers(upstreams).items()},
            **{route.name: ModelTarget(route.name, upstreams[route.upstream], None) for route in document.routes},
        },
        network=NetworkRules(
            allow=map(ip_network, network.allow),
            deny=map(ip_network, network.deny),
            trusted=map(ip_network, network.trusted_proxies),
        ),
        limiter=compile_limiter(policy, table, journal, sharing),
        bounds=_bounds(policy),
        tokens=compile_tokens(policy),
        certificates=compile_certificates(document.identity.client_certificates),
        resource=document.identity.resource,
        failed_credentials=_failed_credentials(document.network.bans),
        forwarded=network.forwarded.encode(),
        assigned=frozenset(assignment(limit.name) for limit in document.limits if limit.assigned),
        upstream_errors=document.answers.errors,
        shapes=_shapes(policy),
        flagged_text=TextRules(document.validation.flag_text) if document.validation.flag_text else None,
        role_networks={
            name: NetworkRules(map(ip_network, entry.network.allow), map(ip_network, entry.network.deny))
            for name, entry in document.roles.items()
            if entry.network.allow or entry.network.deny
        },
    )


def verify(policy: Policy, *, shared: bool = False) -> None:
    """Compile a policy and throw the snapshot away. Raises PolicyError for what loading alone does not find.

    `shared`: its limits are to be kept together with other hosts.
    """
    snapshot = compile_snapshot(policy, table=scratch_table(), hash_key=bytes(32))
    if shared:
        _check_shared(policy, snapshot.limiter)


def _check_shared(policy: Policy, limiter: Limiter) -> None:
    for index, limit in enumerate(limiter.limits):
        try:
            check_shareable(limit)
        except ValueError as error:
            raise policy.error(str(error), "limits", index) from None


def scratch_table() -> Table:
    """Counters for a snapshot that counts nothing."""
    return Table(mmap.mmap(-1, WINDOW * SLOT_BYTES), bytes(16))


def _keepers(upstreams: Mapping[str, UpstreamConfig]) -> dict[str, UpstreamConfig]:
    """Where requests that name neither model nor route go: files, to the first upstream of their dialect."""
    first = next((upstream for upstream in upstreams.values() if upstream.dialect == "openai"), None)
    return {} if first is None else {"files": first}


def _endpoint(built_in: BuiltIn) -> Endpoint:
    return Endpoint(
        name=built_in.name,
        dialect=built_in.dialect,
        path=built_in.path,
        methods=frozenset(built_in.methods),
        upstream_path=built_in.suffix.encode("ascii"),
        is_hot=built_in.body == "dialect",
        route=None,
        response_text=None,
        body=built_in.body,
        is_text=built_in.is_text,
    )


def _endpoints(
    policy: Policy, upstreams: Mapping[str, UpstreamConfig]
) -> tuple[dict[str, Endpoint], dict[str, Endpoint]]:
    """By exact path, and by one with `{id}` in it. What nobody keeps files for has no such endpoints; a route of the
    policy stands before a built-in endpoint of its name or path."""
    document = policy.document
    routed = {route.name for route in document.routes} | {route.path for route in document.routes}
    offered = [
        built_in
        for built_in in ENDPOINTS
        if routed.isdisjoint((built_in.name, built_in.path))
        and (built_in.body != "file" or built_in.name in _keepers(upstreams))
    ]
    kept = {built_in.path: _endpoint(built_in) for built_in in offered if "{id}" in built_in.path}
    found = {built_in.path: _endpoint(built_in) for built_in in offered if "{id}" not in built_in.path}
    for index, route in enumerate(document.routes):
        found[route.path] = Endpoint(
            name=route.name,
            dialect="generic",
            path=route.path,
            methods=frozenset(route.methods),
            upstream_path=_upstream_path(document, route),
            is_hot="POST" in route.methods,
            route=route,
            response_text=tuple(route.response_text) or None,
            body=None,
            request_schema=_schema(policy, route.request_schema, "routes", index, "request_schema"),
            response_schema=_schema(policy, route.response_schema, "routes", index, "response_schema"),
        )
    return found, kept


def _schema(policy: Policy, name: str | None, *path: str | int) -> Schema | None:
    """A schema by the name of its file, relative to the policy; the name stands at `path` of it."""
    if name is None:
        return None
    try:
        return load_schema(Path(policy.source).parent / name)
    except SchemaError as error:
        raise policy.error(f"{name}: {error}", *path) from None


def _shapes(policy: Policy) -> AnswerShapes | None:
    document = policy.document
    tools = {}
    for name, tool in document.tools.items():
        schema = _schema(policy, tool.arguments, "tools", name, "arguments")
        assert schema is not None
        tools[name] = ToolSchema(schema, tool.invalid == "block")
    if not tools and document.validation.response_format == "ignore":
        return None
    return AnswerShapes(tools, document.validation.response_format)


def _upstream_path(document: model.Document, route: model.Route) -> bytes:
    """A route's path upstream. Clients call this gateway under /v1 as they call the provider; where the upstream's
    `base_url` ends in it already, it is not said twice."""
    base = document.upstreams[route.upstream].base_url.rstrip("/")
    path = route.path.removeprefix("/v1") if base.endswith("/v1") and route.path.startswith("/v1/") else route.path
    return path.encode("ascii")


def _parameters(policy: Policy, name: str, role: model.Role) -> ParameterRules | None:
    rules = {}
    for parameter, rule in role.parameters.items():
        if isinstance(rule, model.Cap):
            rules[parameter] = _bound(rule)
        elif rule == "deny" or rule == "strip":
            rules[parameter] = Rule(rule)
    content = None
    if role.tools is not None or role.modalities is not None or not role.streaming:
        content = ContentRules(
            NameMatcher(role.tools).matches if role.tools is not None else None,
            frozenset(role.modalities) if role.modalities is not None else None,
            role.streaming,
        )
    if not rules and content is None:
        return None
    try:
        return ParameterRules(rules, content)
    except ValueError as error:
        raise policy.error(str(error), "roles", name, "parameters") from None


def _answers(answers: model.Answers, role: model.Role) -> AnswerRules | None:
    logprobs = role.parameters.get("logprobs")
    rules = AnswerRules(
        logprobs if logprobs in ("strip", "round") else "keep",
        drop_fingerprint=answers.system_fingerprint == "drop",
        model_as_asked=answers.model == "asked",
        replace_ids=answers.ids == "replace",
    )
    return rules if rules.active else None


def _bound(cap: model.Cap) -> Rule:
    return Rule("max", cap.max) if cap.max is not None else Rule("cap", cap.cap)


def _failed_credentials(bans: model.Bans | None) -> FailedCredentials | None:
    if bans is None:
        return None
    return FailedCredentials(
        bans.slow_after,
        bans.ban_after,
        parse_duration(bans.ban),
        max(parse_duration(bans.ban), parse_duration(bans.longest)),
    )


def _bounds(policy: Policy) -> Bounds:
    validation = policy.document.validation
    body = validation.max_body
    try:
        return Bounds(
            max_depth=validation.max_depth,
            max_messages=validation.max_messages,
            max_body=parse_size(body) if isinstance(body, str) else body,
            unknown_fields=validation.unknown_fields,
            text=TextRules(validation.refuse_text) if validation.refuse_text else None,
            new_types=frozenset(validation.new_types),
        )
    except ValueError as error:
        raise policy.error(str(error), "validation") from None
