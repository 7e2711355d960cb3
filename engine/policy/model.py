"""The policy file as types: every section, every default. No field that is not here is accepted.

These are the shapes only. What one section says of another (a model's upstream, a role's redaction profile) is checked
by `engine.policy.checks`; what a control needs to run is made by `engine.policy.snapshot`. Durations, sizes, rates and
networks are still text here, so that an error can be put beside the line it stands in.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Dialect = Literal["openai", "anthropic", "generic"]
By = Literal["ip", "key", "user", "team", "model", "route", "global"]
Action = Literal["mask", "hash", "block", "flag", "off"]

Name = Annotated[str, Meta(min_length=1, max_length=128)]
Positive = Annotated[int, Meta(ge=1, le=10**12)]
Money = Annotated[float, Meta(ge=0, le=10**6)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """What all sections have in common: they do not change, and a field that is not theirs is an error."""


class Timeouts(Section, frozen=True, forbid_unknown_fields=True):
    """Bounds on an upstream: to connect, to the first byte of an answer, between two reads of it."""

    connect: str = "3s"
    first_byte: str = "60s"
    idle: str = "120s"


class Upstream(Section, frozen=True, forbid_unknown_fields=True):
    """An API behind the gateway. `ca_file`: PEM certificates it is verified against, in place of the system's."""

    base_url: str
    dialect: Dialect = "openai"
    api_key: str | None = None
    timeouts: Timeouts = Timeouts()
    max_connections: Annotated[int, Meta(ge=1, le=65_535)] = 512
    ca_file: str | None = None


class Price(Section, frozen=True, forbid_unknown_fields=True):
    """USD per million tokens."""

    input: Money = 0.0
    output: Money = 0.0


class Model(Section, frozen=True, forbid_unknown_fields=True):
    """Where requests for a model go, and what they cost.

    `default_output`: tokens of answer that are reserved for a request that does not say how many it wants.
    """

    upstream: Name
    price: Price | None = None
    default_output: Positive = 1024


class JwtIssuer(Section, frozen=True, forbid_unknown_fields=True):
    """An issuer of JWT access tokens. `jwks` is a URL, a file, or left out: then the issuer's discovery names it.

    `role_map` turns the issuer's names of roles into the policy's; `default_roles` are for tokens without the claim.
    Keys are fetched again every `refresh`, and kept for `keep` while they cannot be.
    """

    issuer: Annotated[str, Meta(min_length=1, max_length=2048)]
    jwks: str | None = None
    audience: list[str] = []
    algorithms: Annotated[list[str], Meta(min_length=1)] = field(default_factory=lambda: ["RS256"])
    subject_claim: str = "sub"
    roles_claim: str = "roles"
    team_claim: str | None = None
    role_map: dict[str, Name] = {}
    default_roles: list[Name] = []
    clock_skew: str = "5s"
    refresh: str = "5m"
    keep: str = "1h"
    ca_file: str | None = None


class Introspection(Section, frozen=True, forbid_unknown_fields=True):
    """An RFC 7662 endpoint for opaque tokens. `auth`: how the client's id and secret are sent; answers are kept for
    `cache`, those that say no for `negative_cache`. Claims as for JWTs."""

    url: str
    client_id: str
    client_secret: str = ""
    auth: Literal["basic", "post"] = "basic"
    issuer: str | None = None
    audience: list[str] = []
    subject_claim: str = "sub"
    roles_claim: str = "roles"
    team_claim: str | None = None
    role_map: dict[str, Name] = {}
    default_roles: list[Name] = []
    clock_skew: str = "5s"
    cache: str = "60s"
    negative_cache: str = "10s"
    ca_file: str | None = None


class ClientCertificate(Section, frozen=True, forbid_unknown_fields=True):
    """Whose connections with a client certificate are, by exactly one kind of name in it, a glob: `subject_dn` as RFC
    4514 writes it, or `dns`, `uri` or `email` among its alternative names. `subject`: left out, the name itself."""

    subject_dn: Name | None = None
    dns: Name | None = None
    uri: Name | None = None
    email: Name | None = None
    subject: Name | None = None
    team: Name | None = None
    roles: list[Name] = []


class Identity(Section, frozen=True, forbid_unknown_fields=True):
    """The kinds of credential that are accepted. `anonymous`: the role of requests without one. `resource`: the URL
    by which clients know this gateway, for its metadata (RFC 9728); left out, it is taken from the request's Host."""

    api_keys: bool = True
    jwt: list[JwtIssuer] = []
    introspection: list[Introspection] = []
    client_certificates: list[ClientCertificate] = []
    anonymous: str | None = None
    resource: str | None = None


class Cap(Section, frozen=True, forbid_unknown_fields=True):
    """A parameter's largest value: what asks for more is refused (`max`) or lowered (`cap`). Exactly one of both."""

    max: Annotated[float, Meta(ge=0, le=10**12)] | None = None
    cap: Annotated[float, Meta(ge=0, le=10**12)] | None = None


class RoleNetwork(Section, frozen=True, forbid_unknown_fields=True):
    """Where a role may be used from. Deny beats allow; an empty allow list is every address."""

    allow: list[str] = []
    deny: list[str] = []


class Role(Section, frozen=True, forbid_unknown_fields=True):
    """What a principal of this role may do. `tools` are globs of names, `modalities` kinds of content; left out, all
    are allowed. A principal has none of a role that may not be used from its address."""

    endpoints: list[Name] = []
    models: list[Name] = []
    parameters: dict[Name, Literal["deny", "allow", "strip", "round"] | Cap] = {}
    redaction: Name = "default"
    tools: list[Name] | None = None
    modalities: list[Literal["text", "image", "audio", "video", "file"]] | None = None
    streaming: bool = True
    network: RoleNetwork = RoleNetwork()


class Limit(Section, frozen=True, forbid_unknown_fields=True):
    """One limit: exactly one of requests, tokens, input_tokens, output_tokens, spend, concurrent and body_bytes.

    `by`: one scope, or several that count for each combination. `window`: see `engine.policy.limits`; `timezone` is
    that of a calendar window. `on_exhausted`: whether a stream that uses up what is left is ended or may finish.
    `when_store_fails`: what holds while the store that hosts share (TIDEGATE_REDIS_URL) cannot be asked. `assigned`: it
    binds the keys that name it, no others.
    """

    name: Name
    by: By | list[By]
    requests: str | None = None
    tokens: str | None = None
    input_tokens: str | None = None
    output_tokens: str | None = None
    spend: str | None = None
    concurrent: Positive | None = None
    body_bytes: str | None = None
    burst: Positive | None = None
    window: Literal["rate", "calendar"] | None = None
    timezone: str = "UTC"
    on_exhausted: Literal["finish", "end"] = "finish"
    roles: list[Name] | None = None
    models: list[Name] | None = None
    assigned: bool = False
    ipv6_prefix: Annotated[int, Meta(ge=1, le=128)] = 64
    when_store_fails: Literal["closed", "local_share", "open"] = "closed"


class Bans(Section, frozen=True, forbid_unknown_fields=True):
    """Addresses whose credentials fail: after so many failures answers slow down, after so many they are banned; the
    first ban, and the longest."""

    slow_after: Positive = 50
    ban_after: Positive = 80
    ban: str = "1m"
    longest: str = "1h"


class Network(Section, frozen=True, forbid_unknown_fields=True):
    """Addresses and networks, as `192.0.2.1` or `192.0.2.0/24`. `forwarded` is the one header that the trusted proxies
    write: of the other, clients could send what they like. `bans: null` switches them off."""

    trusted_proxies: list[str] = []
    forwarded: Literal["x-forwarded-for", "forwarded"] = "x-forwarded-for"
    allow: list[str] = []
    deny: list[str] = []
    bans: Bans | None = Bans()


TextGroup = Literal["tags", "bidi", "invisible", "controls", "repetition", "injection", "repeated"]


class Validation(Section, frozen=True, forbid_unknown_fields=True):
    """Bounds on requests. `new_types`: types of parts, items and tools that this build does not know and that are let
    through even where they look like a slip. `response_format`: what becomes of an answer that is not in the format
    that its request asked for."""

    unknown_fields: Literal["allow", "strip", "reject"] = "allow"
    refuse_text: list[TextGroup] = []
    flag_text: list[TextGroup] = field(default_factory=lambda: ["injection"])
    new_types: list[Name] = []
    response_format: Literal["ignore", "flag", "block"] = "ignore"
    max_body: str | int = "1MiB"
    max_depth: Annotated[int, Meta(ge=1, le=10_000)] = 64
    max_messages: Annotated[int, Meta(ge=1, le=1_000_000)] = 1000


class ToolArguments(Section, frozen=True, forbid_unknown_fields=True):
    """A tool's arguments. `arguments`: a JSON Schema file, relative to the policy; `invalid`: what becomes of an answer
    in which a model calls the tool with others."""

    arguments: Annotated[str, Meta(min_length=1)]
    invalid: Literal["flag", "block"] = "block"


class Answers(Section, frozen=True, forbid_unknown_fields=True):
    """What of an answer tells one deployment from another. `model: asked` gives the name that the client used; `ids:
    replace` an id of the gateway's (not in the Responses API, where clients go on by it). `errors`: those of an
    upstream without hosts, paths, versions, keys and ids of accounts, or replaced by the gateway's own."""

    system_fingerprint: Literal["keep", "drop"] = "keep"
    model: Literal["keep", "asked"] = "keep"
    ids: Literal["keep", "replace"] = "keep"
    errors: Literal["keep", "scrub", "replace"] = "scrub"


class UserRule(Section, frozen=True, forbid_unknown_fields=True):
    """A redaction rule of the user's own, beside the built-in pack."""

    id: Name
    pattern: Annotated[str, Meta(min_length=1, max_length=4096)]
    group: Name = "custom"
    replacement: str | None = None
    keywords: list[str] = []
    max_len: Positive | None = None
    examples: list[str] = []
    counterexamples: list[str] = []


class Hazards(Section, frozen=True, forbid_unknown_fields=True):
    """What the groups of output hazards need to know. `allowed_hosts`: hosts that links may lead to, as `example.com`
    or `*.example.com`. `canaries`: texts that no answer may have, such as one put into a system prompt for this."""

    allowed_hosts: list[str] = []
    canaries: list[Annotated[str, Meta(min_length=8, max_length=256)]] = []


class Route(Section, frozen=True, forbid_unknown_fields=True):
    """A JSON API other than the known dialects. `response_text`: JSON pointers, with `*`, to text in its answers.

    `request_schema`, `response_schema`: JSON Schema files, relative to the policy. `invalid_response`: what becomes of
    an answer that does not fit.
    """

    name: Name
    path: str
    upstream: Name
    methods: Annotated[list[Literal["GET", "POST", "PUT", "PATCH", "DELETE"]], Meta(min_length=1)] = field(
        default_factory=lambda: ["POST"]
    )
    request_schema: str | None = None
    response_schema: str | None = None
    invalid_response: Literal["flag", "block"] = "block"
    response_text: list[str] = []


Profiles = dict[Name, dict[Name, Action]]

# What a role gets that names no profile, and the profile that switches nothing on. A policy may redefine both.
BUILT_IN_PROFILES: Profiles = {
    "default": {"pii": "mask", "secrets": "mask", "private_key": "block"},
    "none": {},
}

# The one role of a policy without a `roles` section: the smallest useful file names an upstream and nothing else.
DEFAULT_ROLES: dict[str, Role] = {"default": Role(endpoints=["*"], models=["*"])}


class Document(Section, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    upstreams: Annotated[dict[Name, Upstream], Meta(min_length=1)]
    version: Literal[1] = 1
    models: dict[Name, Model] | None = None
    identity: Identity = Identity()
    roles: dict[Name, Role] = field(default_factory=lambda: dict(DEFAULT_ROLES))
    limits: list[Limit] = []
    network: Network = Network()
    validation: Validation = Validation()
    tools: dict[Name, ToolArguments] = {}
    answers: Answers = Answers()
    redaction: Profiles = {}
    hazards: Hazards = Hazards()
    rules: list[UserRule] = []
    routes: list[Route] = []

    @property
    def profiles(self) -> Profiles:
        """The redaction profiles, with the built-in ones that the file does not define itself."""
        return BUILT_IN_PROFILES | self.redaction

    @property
    def routing(self) -> dict[str, Model]:
        """The models; a file with one upstream and no models sends every model there."""
        if self.models is not None:
            return self.models
        return {"*": Model(upstream=next(iter(self.upstreams)))}
