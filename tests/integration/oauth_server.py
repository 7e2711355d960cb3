"""A real OAuth 2.0 authorization server (Authlib) on a loopback port, with keys that rotate.

Discovery, JWKS, client credentials, authorization code, JWT access tokens (RFC 9068), opaque ones, introspection
(RFC 7662). Roles stand in the claim `roles`: the scopes that were asked for.
"""

from __future__ import annotations

import json
import threading
import time
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.jose import JsonWebKey, jwt
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

GATEWAY = ("tidegate", "s3cret-of-the-gateway")
AUDIENCE = "tidegate"


class _Client(ClientMixin):
    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id, self.secret = client_id, secret

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return "http://127.0.0.1/callback"

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return True

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("client_credentials", "authorization_code")


class _Opaque(TokenMixin):
    def __init__(self, subject: str, scope: str, expires_at: float) -> None:
        self.subject, self.scope, self.expires_at = subject, scope, expires_at

    def is_expired(self) -> bool:
        return self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        return False


class _Code(dict[str, Any]):
    def get_redirect_uri(self) -> Any:
        return self["redirect_uri"]

    def get_scope(self) -> Any:
        return self["scope"]


class _User:
    def __init__(self, name: str) -> None:
        self.name = name

    def get_user_id(self) -> str:
        return self.name


class OAuthServer:
    """Use as a context manager; `issuer` is its URL. `down` makes it answer 500, `asked` counts by path."""

    def __init__(self) -> None:
        self.keys = [JsonWebKey.generate_key("RSA", 2048, {"kid": "first"}, is_private=True)]
        self.published = [*self.keys]
        self.opaque: dict[str, _Opaque] = {}
        self.codes: dict[str, _Code] = {}
        self.asked: dict[str, int] = {}
        self.down = False
        self.garbage: bytes | None = None
        self._http = make_server("127.0.0.1", 0, self._application(), threaded=True)
        self.issuer = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    def __enter__(self) -> OAuthServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def rotate(self, name: str) -> None:
        """Signs with a new key from now on; the one before is still published."""
        self.keys = [JsonWebKey.generate_key("RSA", 2048, {"kid": name}, is_private=True)]
        self.published = [*self.published[-1:], *self.keys]

    def sign(self, **more: Any) -> str:
        """A token of this server's with any claims."""
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": AUDIENCE, "sub": "alice", "roles": ["user"], "iat": now, "exp": now + 600}
        header = {"alg": "RS256", "typ": "at+jwt", "kid": self.keys[0].as_dict()["kid"]}
        return jwt.encode(header, claims | more, self.keys[0]).decode()

    def issue_opaque(self, token: str, subject: str, scope: str = "user", lifetime_s: float = 600) -> str:
        self.opaque[token] = _Opaque(subject, scope, time.time() + lifetime_s)
        return token

    def _application(self) -> Flask:
        app = Flask("oauth")
        app.config["SECRET_KEY"] = "x"
        outer = self
        clients = {name: _Client(name, secret) for name, secret in (GATEWAY, ("app", "app-secret"))}

        class Generator(JWTBearerTokenGenerator):
            def get_jwks(self) -> Any:
                return outer.keys[0]

            def get_audiences(self, client: Any, user: Any, scope: str) -> str:
                return AUDIENCE

            def get_extra_claims(self, client: Any, grant_type: str, user: Any, scope: str) -> dict[str, Any]:
                return {"roles": (scope or "").split()}

        class CodeGrant(grants.AuthorizationCodeGrant):
            def save_authorization_code(self, code: str, request: Any) -> None:
                payload = request.payload
                outer.codes[code] = _Code(
                    redirect_uri=payload.redirect_uri, scope=payload.scope, user=request.user.name
                )

            def query_authorization_code(self, code: str, client: Any) -> _Code | None:
                return outer.codes.get(code)

            def delete_authorization_code(self, authorization_code: _Code) -> None:
                outer.codes = {code: each for code, each in outer.codes.items() if each is not authorization_code}

            def authenticate_user(self, authorization_code: _Code) -> _User:
                return _User(authorization_code["user"])

        class Introspection(IntrospectionEndpoint):
            def query_token(self, token_string: str, token_type_hint: str | None) -> _Opaque | None:
                return outer.opaque.get(token_string)

            def check_permission(self, token: Any, client: _Client, request: Any) -> bool:
                return client.client_id == GATEWAY[0]

            def introspect_token(self, token: _Opaque) -> dict[str, Any]:
                return {"active": True, "sub": token.subject, "scope": token.scope, "exp": int(token.expires_at)}

        server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
        server.register_grant(grants.ClientCredentialsGrant)
        server.register_grant(CodeGrant)
        server.register_endpoint(Introspection)

        @app.before_request
        def count() -> Response | None:
            outer.asked[request.path] = outer.asked.get(request.path, 0) + 1
            if outer.garbage is not None:
                return Response(outer.garbage, 200)
            return Response(status=500) if outer.down else None

        @app.get("/.well-known/openid-configuration")
        def discovery() -> Response:
            return jsonify(
                issuer=outer.issuer,
                jwks_uri=f"{outer.issuer}/jwks",
                token_endpoint=f"{outer.issuer}/token",
                introspection_endpoint=f"{outer.issuer}/introspect",
            )

        @app.get("/jwks")
        def jwks() -> Response:
            return Response(json.dumps({"keys": [key.as_dict(is_private=False) for key in outer.published]}))

        @app.post("/token")
        def token() -> Any:
            server.register_token_generator("default", Generator(outer.issuer))
            return server.create_token_response()

        @app.route("/authorize", methods=["GET"])
        def authorize() -> Any:
            grant = server.get_consent_grant(end_user=_User("bob"))
            return server.create_authorization_response(grant_user=_User("bob"), grant=grant)

        @app.post("/introspect")
        def introspect() -> Any:
            return server.create_endpoint_response("introspection")

        return app
