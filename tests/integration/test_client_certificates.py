"""Mutual TLS behind a proxy that speaks the PROXY protocol: whose a connection is, and tokens that are bound to it."""

from __future__ import annotations

import datetime
import hashlib
import http.client
import json
import socket
import ssl
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.conftest import Run
from tests.integration.gateway import Gateway
from tests.integration.raw import Connection, chat
from tests.integration.upstream import Upstream
from tests.unit.identity import forge

CERTIFICATES = Path(__file__).parent / "certificates"
POLICY = """
upstreams: {{local: {{base_url: "http://127.0.0.1:{port}/v1"}}}}
identity:
  jwt: [{{issuer: "{issuer}", audience: [tidegate], jwks: "{jwks}"}}]
  client_certificates:
    - {{uri: "spiffe://example.com/batch", subject: batch, team: jobs, roles: [user]}}
    - {{uri: "spiffe://example.com/*", roles: [nothing]}}
network: {{deny: [203.0.113.0/24]}}
roles:
  user: {{endpoints: [chat, models], models: ["*"], redaction: none}}
  nothing: {{}}
"""
HEADER = b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 443\r\n"


class Identity(NamedTuple):
    """A client's certificate, with its key, as TLS and as RFC 8705 want them."""

    path: Path
    thumbprint: str


class Authority:
    """A certificate authority of the test's own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name.from_rfc4514_string("CN=clients")
        made = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, 0), critical=True)
        self.path = folder / "ca.pem"
        self.path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, uri: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = self._builder(x509.Name.from_rfc4514_string("CN=client"), key).add_extension(named, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        path = self._folder / f"{made.serial_number}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
        return Identity(path, forge.b64(hashlib.sha256(made.public_bytes(Encoding.DER)).digest()).decode())

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clients")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def gateway(run_gateway: Run, upstream: Upstream, authority: Authority, folder: Path) -> Gateway:
    jwks = folder / "jwks.json"
    jwks.write_text(json.dumps({"keys": [forge.rsa_jwk(forge.RSA, kid="rsa", alg="RS256", use="sig")]}))
    return run_gateway(
        POLICY.format(port=upstream.port, issuer=forge.ISSUER, jwks=jwks),
        TIDEGATE_WORKERS="1",
        TIDEGATE_TLS_CERT=str(CERTIFICATES / "server.pem"),
        TIDEGATE_TLS_KEY=str(CERTIFICATES / "server.key"),
        TIDEGATE_TLS_CLIENT_CA=str(authority.path),
        TIDEGATE_PROXY_PROTOCOL="127.0.0.1",
    )


@pytest.fixture(scope="module")
def batch(authority: Authority) -> Identity:
    return authority.issue("spiffe://example.com/batch")


@contextmanager
def connected(
    gateway: Gateway, identity: Identity | None, header: bytes = HEADER
) -> Iterator[http.client.HTTPSConnection]:
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    if identity is not None:
        context.load_cert_chain(identity.path)
    connection = http.client.HTTPConnection("localhost", gateway.port, timeout=20)
    plain = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    plain.sendall(header)
    connection.sock = context.wrap_socket(plain, server_hostname="localhost")
    try:
        yield connection  # type: ignore[misc]
    finally:
        connection.close()


def ask(connection: Any, path: str = "/v1/chat/completions", token: bytes | str = b"") -> tuple[int, Any, str]:
    """Status, the body and the request's id. The models are at the door of aiohttp."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token.decode() if isinstance(token, bytes) else token}"
    method, body = ("GET", None) if path == "/v1/models" else ("POST", chat("good"))
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read()), answer.headers["x-request-id"]


def once(gateway: Gateway, identity: Identity | None, *what: Any) -> tuple[int, Any, str]:
    """`ask` on a connection of its own, because a refusal that comes before the body may end it."""
    with connected(gateway, identity) as connection:
        return ask(connection, *what)


PATHS = ["/v1/chat/completions", "/v1/models"]


@pytest.mark.parametrize("path", PATHS)
def test_a_certificate_is_who_calls_and_the_proxy_says_from_where(gateway: Gateway, batch: Identity, path: str) -> None:
    with connected(gateway, batch) as connection:
        for _ in range(2):
            status, _, request_id = ask(connection, path)
            assert status == 200
            line = gateway.audited(request_id)
            assert (line["subject"], line["team"], line["credential"]) == ("batch", "jobs", "certificate")
            assert line["address"] == "192.0.2.7"


@pytest.mark.parametrize("path", PATHS)
def test_who_has_no_certificate_that_the_policy_knows(gateway: Gateway, authority: Authority, path: str) -> None:
    for uri, expected in ((None, 401), ("spiffe://example.org/batch", 401), ("spiffe://example.com/other", 403)):
        assert once(gateway, authority.issue(uri) if uri is not None else None, path)[0] == expected


def test_a_credential_goes_before_the_certificate(gateway: Gateway, batch: Identity) -> None:
    key, _ = gateway.key("alice")
    with connected(gateway, batch) as connection:
        status, _, request_id = ask(connection, PATHS[0], key)
        assert (status, gateway.audited(request_id)["subject"]) == (200, "alice")
        assert ask(connection)[0] == 200
    assert once(gateway, batch, PATHS[0], "tg_" + "x" * 53)[0] == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_bound_token_is_good_with_its_certificate_only(
    gateway: Gateway, authority: Authority, batch: Identity, path: str
) -> None:
    token = forge.token(forge.claims(cnf={"x5t#S256": batch.thumbprint}))
    other = authority.issue("spiffe://example.com/batch")
    for identity, expected in ((batch, 200), (None, 401), (other, 401), (batch, 200)):
        status, body, _ = once(gateway, identity, path, token)
        assert status == expected, body
        # One that is not bound is good with any, and one that is bound otherwise with none.
        assert once(gateway, identity, path, forge.token(forge.claims()))[0] == 200
        assert once(gateway, identity, path, forge.token(forge.claims(cnf={"jkt": "x"})))[0] == 401


def test_certificates_of_other_authorities_do_not_connect(
    gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Authority(tmp_path_factory.mktemp("other")).issue("spiffe://example.com/batch")
    with pytest.raises((ssl.SSLError, ConnectionError)), connected(gateway, other) as connection:
        ask(connection)


def test_the_address_of_the_header_is_held_against_the_network_rules(gateway: Gateway, batch: Identity) -> None:
    with connected(gateway, batch, b"PROXY TCP4 203.0.113.9 198.51.100.1 1 2\r\n") as connection:
        status, _, request_id = ask(connection)
    assert (status, gateway.audited(request_id)["address"]) == (403, "203.0.113.9")


def test_a_connection_without_a_header_is_closed(gateway: Gateway) -> None:
    context = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.pem"))
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection(("127.0.0.1", gateway.port)) as plain:
        context.wrap_socket(plain, server_hostname="localhost")
    with Connection(gateway.port) as connection:
        connection.send(b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n")
        with pytest.raises(ConnectionError):
            connection.answer()
    with urllib.request.urlopen(f"{gateway.admin_url}/metrics", timeout=5) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    assert [line for line in lines if line.startswith("tidegate_proxy_protocol_refused_total")] == [
        "tidegate_proxy_protocol_refused_total 2"
    ]


def test_the_metadata_say_that_bound_tokens_are_checked(gateway: Gateway) -> None:
    with connected(gateway, None) as connection:
        connection.request("GET", "/.well-known/oauth-protected-resource")
        answer = connection.getresponse()
        assert json.loads(answer.read())["tls_client_certificate_bound_access_tokens"] is True
