"""What the types of a policy cannot say: names that must exist, values that must parse, entries that must not collide.

Rules. A name that is used is defined: upstreams, redaction profiles, roles of limits, routes of roles. A value that is
text but means something (a URL, a duration, a rate, a network, a path, a pointer) parses. Two entries never mean the
same thing. Each check raises PolicyError at the value that is wrong, the first one found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import ip_network
from typing import Final
from urllib.parse import urlsplit

from engine.identity.fetch import check_url
from engine.identity.jwks import ALGORITHMS, SYMMETRIC
from engine.identity.text import check_text
from engine.policy.document import Path, PolicyError, Tree
from engine.policy.endpoints import BESIDE, ENDPOINTS
from engine.policy.limits import KINDS, kinds_of, parse_rate
from engine.policy.model import Cap, ClientCertificate, Document, Introspection, JwtIssuer, Limit, Route, Upstream
from engine.settings import parse_duration, parse_size

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_URL_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?")
_MODEL: Final = re.compile(r"[\x21-\x7e]{1,256}")
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]*")

# Bodies are held in memory while they are checked: this many bytes for each request that is under way.
_LARGEST_BODY: Final = 256 << 20


def check(document: Document, tree: Tree) -> None:
    """Raises PolicyError for the first thing that is wrong."""
    _Checks(document, tree).run()


class _Checks:
    def __init__(self, document: Document, tree: Tree) -> None:
        self._document = document
        self._tree = tree

    def run(self) -> None:
        for name, upstream in self._document.upstreams.items():
            self._upstream(name, upstream)
        self._models()
        self._routes()
        self._roles()
        self._identity()
        self._limits()
        self._network()
        self._validation()
        self._rules()

    def _fail(self, reason: str, *path: str | int) -> PolicyError:
        return self._tree.error(path, reason)

    def _parse(self, parse: Callable[[str], object], text: str, *path: str | int) -> None:
        try:
            parse(text)
        except ValueError as error:
            raise self._fail(str(error), *path) from None

    def _name(self, name: str, *path: str | int) -> None:
        if not _NAME.fullmatch(name):
            raise self._fail(
                f"{name!r}: a name is letters, digits, '_', '-' and '.', and begins with one of the first", *path
            )

    def _upstream(self, name: str, upstream: Upstream) -> None:
        path = ("upstreams", name)
        self._name(name, *path)
        # The reasons do not repeat the URL: it may have come from the environment.
        try:
            url = urlsplit(upstream.base_url)
            port = url.port
        except ValueError:
            raise self._fail("is not a URL", *path, "base_url") from None
        if url.scheme not in ("http", "https"):
            raise self._fail("begins with neither http:// nor https://", *path, "base_url")
        if url.username is not None or url.password is not None:
            raise self._fail("has a user or password; the credential belongs in api_key", *path, "base_url")
        if url.query or url.fragment or "?" in upstream.base_url or "#" in upstream.base_url:
            raise self._fail("has a query or fragment", *path, "base_url")
        if not _HOST.fullmatch(url.netloc.removesuffix(f":{port}") if port is not None else url.netloc) or port == 0:
            raise self._fail("has no host:port that could be connected to", *path, "base_url")
        if not _URL_PATH.fullmatch(url.path) or not _is_canonical(url.path.rstrip("/")):
            raise self._fail(
                "has a path with '//', '.', '..', '%' or other characters that need escaping", *path, "base_url"
            )
        if upstream.api_key is not None and not _HEADER_VALUE.fullmatch(upstream.api_key):
            raise self._fail("has a character that no credential has (a space or a line's end?)", *path, "api_key")
        timeouts = upstream.timeouts
        for key, text in (
            ("connect", timeouts.connect),
            ("first_byte", timeouts.first_byte),
            ("idle", timeouts.idle),
        ):
            self._parse(_time_out, text, *path, "timeouts", key)

    def _upstream_exists(self, name: str, *path: str | int) -> None:
        if name not in self._document.upstreams:
            raise self._fail(f"there is no upstream {name!r}", *path)

    def _models(self) -> None:
        document = self._document
        if document.models is None:
            if len(document.upstreams) > 1:
                raise self._fail("with several upstreams, models say which one gets what: the section is missing")
            return
        for pattern, model in document.models.items():
            self._model_name(pattern, "models", pattern)
            self._upstream_exists(model.upstream, "models", pattern, "upstream")

    def _model_name(self, pattern: str, *path: str | int) -> None:
        if not _MODEL.fullmatch(pattern):
            raise self._fail(f"{pattern!r}: a model's name or glob is 1 to 256 visible ASCII characters", *path)

    def _routes(self) -> None:
        names: dict[str, int] = {}
        # A route may take the place of the others: a policy knows its upstream's images better than we do.
        ours = [endpoint for endpoint in ENDPOINTS if endpoint.body in ("dialect", "none")]
        paths = {endpoint.path: endpoint.name for endpoint in ours}
        # Roles have those beside without naming them: a route of such a name would be open to more than it says.
        taken = {*(endpoint.name for endpoint in ours), *BESIDE.values()}
        for index, route in enumerate(self._document.routes):
            self._route(index, route)
            if route.name in taken:
                raise self._fail(f"{route.name!r} is the name of a built-in endpoint", "routes", index, "name")
            if route.name in names:
                raise self._fail(f"{route.name!r} is already routes[{names[route.name]}]", "routes", index, "name")
            if route.path in paths:
                raise self._fail(f"{route.path} already leads to {paths[route.path]!r}", "routes", index, "path")
            names[route.name] = index
            paths[route.path] = route.name

    def _route(self, index: int, route: Route) -> None:
        path = ("routes", index)
        self._name(route.name, *path, "name")
        self._upstream_exists(route.upstream, *path, "upstream")
        if not route.path or not _URL_PATH.fullmatch(route.path) or not _is_canonical(route.path):
            raise self._fail(
                "a path begins with '/', without '//', '.', '..', '%', query or '/' at its end", *path, "path"
            )
        for number, pointer in enumerate(route.response_text):
            if not _POINTER.fullmatch(pointer):
                raise self._fail(
                    f"{pointer!r} is not a JSON pointer such as /result/*/text", *path, "response_text", number
                )

    def _roles(self) -> None:
        document = self._document
        endpoints = {endpoint.name for endpoint in ENDPOINTS} | {route.name for route in document.routes} | {"*"}
        for name, role in document.roles.items():
            path = ("roles", name)
            self._name(name, *path)
            for index, endpoint in enumerate(role.endpoints):
                if endpoint not in endpoints:
                    known = ", ".join(sorted(endpoints))
                    raise self._fail(
                        f"there is no endpoint or route {endpoint!r}; there are {known}", *path, "endpoints", index
                    )
            for index, pattern in enumerate(role.models):
                self._model_name(pattern, *path, "models", index)
            for parameter, rule in role.parameters.items():
                if isinstance(rule, Cap) and (rule.max is None) == (rule.cap is None):
                    raise self._fail("a bound is either max or cap", *path, "parameters", parameter)
                if rule == "round" and parameter != "logprobs":
                    raise self._fail("only logprobs are rounded", *path, "parameters", parameter)
            self._networks(role.network.allow, *path, "network", "allow")
            self._networks(role.network.deny, *path, "network", "deny")
            if role.redaction not in document.profiles:
                raise self._fail(f"there is no redaction profile {role.redaction!r}", *path, "redaction")

    def _role_exists(self, name: str, *path: str | int) -> None:
        if name not in self._document.roles:
            raise self._fail(f"there is no role {name!r}", *path)

    def _identity(self) -> None:
        identity = self._document.identity
        if identity.anonymous:
            self._role_exists(identity.anonymous, "identity", "anonymous")
        if identity.resource is not None:
            self._parse(check_url, identity.resource, "identity", "resource")
        for index, entry in enumerate(identity.client_certificates):
            self._client_certificate(index, entry)
        issuers: dict[str, int] = {}
        for index, issuer in enumerate(identity.jwt):
            self._issuer(index, issuer)
            if issuer.issuer in issuers:
                raise self._fail(f"is already identity.jwt[{issuers[issuer.issuer]}]", "identity", "jwt", index)
            issuers[issuer.issuer] = index
        for index, endpoint in enumerate(identity.introspection):
            path = ("identity", "introspection", index)
            self._parse(check_url, endpoint.url, *path, "url")
            self._claims(endpoint, *path)
            for key, text in (("cache", endpoint.cache), ("negative_cache", endpoint.negative_cache)):
                self._parse(parse_duration, text, *path, key)

    def _client_certificate(self, index: int, entry: ClientCertificate) -> None:
        path = ("identity", "client_certificates", index)
        given = [kind for kind in ("subject_dn", "dns", "uri", "email") if getattr(entry, kind) is not None]
        if len(given) != 1:
            what = f"it has {' and '.join(given)}" if given else "it has none"
            raise self._fail(f"an entry has exactly one of subject_dn, dns, uri and email; {what}", *path)
        if entry.dns is not None and entry.dns != entry.dns.lower():
            raise self._fail("a DNS name is compared in lower case", *path, "dns")
        if not entry.roles:
            raise self._fail("an entry has at least one role", *path)
        for number, role in enumerate(entry.roles):
            self._role_exists(role, *path, "roles", number)
        for key, text in (("subject", entry.subject), ("team", entry.team)):
            if text is not None:
                self._parse(partial(check_text, key), text, *path, key)

    def _issuer(self, index: int, issuer: JwtIssuer) -> None:
        path = ("identity", "jwt", index)
        for number, algorithm in enumerate(issuer.algorithms):
            if algorithm not in ALGORITHMS:
                known = ", ".join(sorted(ALGORITHMS))
                raise self._fail(f"{algorithm!r} is not one of {known}", *path, "algorithms", number)
        symmetric = SYMMETRIC.intersection(issuer.algorithms)
        if symmetric and not symmetric.issuperset(issuer.algorithms):
            # Beside a public key, an HMAC with that key as its secret is the classic forgery (RFC 8725, section 2.1).
            raise self._fail("HS256, HS384 and HS512 cannot stand beside other algorithms", *path, "algorithms")
        is_url = issuer.jwks is not None and "://" in issuer.jwks
        if symmetric and (issuer.jwks is None or is_url):
            raise self._fail("secrets of HS256, HS384 and HS512 are in a file, not at a URL", *path, "jwks")
        if issuer.jwks is None:
            self._parse(check_url, issuer.issuer, *path, "issuer")
        elif is_url:
            self._parse(check_url, issuer.jwks, *path, "jwks")
        self._claims(issuer, *path)
        for key, text in (("refresh", issuer.refresh), ("keep", issuer.keep)):
            self._parse(_time_out, text, *path, key)

    def _claims(self, issuer: JwtIssuer | Introspection, *path: str | int) -> None:
        for name, role in issuer.role_map.items():
            self._role_exists(role, *path, "role_map", name)
        for number, role in enumerate(issuer.default_roles):
            self._role_exists(role, *path, "default_roles", number)
        self._parse(parse_duration, issuer.clock_skew, *path, "clock_skew")

    def _limits(self) -> None:
        names: dict[str, int] = {}
        for index, limit in enumerate(self._document.limits):
            self._limit(index, limit)
            if limit.name in names:
                raise self._fail(f"{limit.name!r} is already limits[{names[limit.name]}]", "limits", index, "name")
            names[limit.name] = index

    def _limit(self, index: int, limit: Limit) -> None:
        path = ("limits", index)
        self._name(limit.name, *path, "name")
        given = kinds_of(limit)
        if len(given) != 1:
            what = f"it has {' and '.join(given)}" if given else "it has none"
            raise self._fail(f"a limit has exactly one of {', '.join(KINDS)}; {what}", *path)
        kind = given[0]
        if kind != "concurrent":
            rate = getattr(limit, kind)
            try:
                parse_rate(kind, rate)
            except ValueError as error:
                raise self._fail(
                    f"{rate!r} is not a rate such as 600/minute (second, minute, hour, day, month): {error}",
                    *path,
                    kind,
                ) from None
        elif limit.burst is not None:
            raise self._fail("a limit on concurrent requests has no burst", *path, "burst")
        if limit.assigned and limit.roles is not None:
            raise self._fail("a limit binds roles, or the keys that it is assigned to", *path, "roles")
        for number, role in enumerate(limit.roles or ()):
            self._role_exists(role, *path, "roles", number)
        for number, pattern in enumerate(limit.models or ()):
            self._model_name(pattern, *path, "models", number)
        for key, names in (("roles", limit.roles), ("models", limit.models)):
            if names is not None and not names:
                raise self._fail("an empty list binds nothing; leave it out to bind everything", *path, key)

    def _network(self) -> None:
        network = self._document.network
        for key, texts in (
            ("trusted_proxies", network.trusted_proxies),
            ("allow", network.allow),
            ("deny", network.deny),
        ):
            self._networks(texts, "network", key)
        if network.bans is not None:
            for key, text in (("ban", network.bans.ban), ("longest", network.bans.longest)):
                self._parse(_time_out, text, "network", "bans", key)
            if network.bans.slow_after > network.bans.ban_after:
                raise self._fail("answers slow down before the ban: more than ban_after", "network", "bans")

    def _networks(self, texts: Iterable[str], *path: str | int) -> None:
        for index, text in enumerate(texts):
            self._parse(ip_network, text, *path, index)

    def _validation(self) -> None:
        body = self._document.validation.max_body
        path: Path = ("validation", "max_body")
        if isinstance(body, str):
            self._parse(parse_size, body, *path)
            body = parse_size(body)
        if not 1 <= body <= _LARGEST_BODY:
            raise self._fail(f"is not between 1 byte and {_LARGEST_BODY >> 20}MiB", *path)

    def _rules(self) -> None:
        names: dict[str, int] = {}
        for index, rule in enumerate(self._document.rules):
            self._name(rule.id, "rules", index, "id")
            self._name(rule.group, "rules", index, "group")
            if rule.id in names:
                raise self._fail(f"{rule.id!r} is already rules[{names[rule.id]}]", "rules", index, "id")
            names[rule.id] = index


def _is_canonical(path: str) -> bool:
    """Whether a path is the only way to write itself: no empty, `.` or `..` segment."""
    return path == "" or not any(segment in ("", ".", "..") for segment in path[1:].split("/"))


def _time_out(text: str) -> None:
    if parse_duration(text) < 0.001:
        raise ValueError(f"{text!r} is shorter than 1ms; there is no time-out that is off")
