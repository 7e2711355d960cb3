"""Calls to an identity provider that is not as it should be, over real sockets."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from engine.identity import fetch
from engine.identity.fetch import Fetcher, FetchError, check_url
from tests.unit.identity import forge

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def certificate(folder: Path, address: str) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own for an address, and the file of it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(forge.RSA.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(forge.RSA, hashes.SHA256())
    )
    public, both = folder / f"{address}.pem", folder / f"{address}-key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key = forge.RSA.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both.write_bytes(key + public.read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, public


def served(
    handler: Handler, ask: Callable[[Fetcher, str], Awaitable[bytes]], tls: ssl.SSLContext | None = None
) -> bytes:
    """What `ask` gets, with `handler` at the URL that it is given."""

    async def run() -> bytes:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        fetcher = Fetcher()
        try:
            return await ask(fetcher, f"{'https' if tls else 'http'}://127.0.0.1:{port}/keys")
        finally:
            await fetcher.close()
            await runner.cleanup()

    return asyncio.run(run())


async def good(request: web.Request) -> web.Response:
    return web.Response(body=b"ok")


def test_a_body() -> None:
    assert served(good, lambda fetcher, url: fetcher.get(url, 100)) == b"ok"


def test_the_clients_id_and_secret_are_encoded() -> None:
    async def echo(request: web.Request) -> web.Response:
        form = await request.post()
        return web.Response(text=f"{request.headers['Authorization']} {form['token']}")

    sent = served(echo, lambda fetcher, url: fetcher.post(url, {"token": "t&="}, 100, None, ("a:b", "c d/é")))
    # a%3Ab:c+d%2F%C3%A9
    assert sent == b"Basic YSUzQWI6YytkJTJGJUMzJUE5 t&="


@pytest.mark.parametrize("status", [204, 206, 301, 302, 307, 400, 401, 500, 503])
def test_other_statuses(status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            return web.Response(body=b"ok")
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})

    with pytest.raises(FetchError, match=str(status)):
        served(handler, lambda fetcher, url: fetcher.get(url, 100))


def test_an_answer_that_is_too_long() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)

    with pytest.raises(FetchError, match="too long"):
        served(endless, lambda fetcher, url: fetcher.get(url, 100_000))


def test_an_answer_that_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.05)

    async def silent(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    with pytest.raises(FetchError, match="no answer within"):
        served(silent, lambda fetcher, url: fetcher.get(url, 100))


def test_certificates_are_verified(tmp_path: Path) -> None:
    right, ca_file = certificate(tmp_path, "127.0.0.1")
    assert served(good, lambda fetcher, url: fetcher.get(url, 100, str(ca_file)), right) == b"ok"
    # Not signed by anybody the system knows.
    with pytest.raises(FetchError, match="Certificate"):
        served(good, lambda fetcher, url: fetcher.get(url, 100), right)
    # Signed by who is trusted, for another host.
    wrong, ca_file = certificate(tmp_path, "192.0.2.1")
    with pytest.raises(FetchError, match="Certificate"):
        served(good, lambda fetcher, url: fetcher.get(url, 100, str(ca_file)), wrong)


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example.com/keys",
        "https://idp.example.com:8443/keys?a=b",
        "http://127.0.0.1:9/keys",
        "http://localhost/keys",
        "http://[::1]/keys",
    ],
)
def test_urls_that_may_be_called(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "idp.example.com/keys",
        "http://idp.example.com/keys",
        "http://127.0.0.1.evil.example/keys",
        "http://2130706433/keys",
        "ftp://127.0.0.1/keys",
        "file:///etc/passwd",
        "https://user:secret@idp.example.com/",
        "https:///keys",
        "https://idp.example.com/a b",
        "https://idp.example.com/\r\nHost: evil",
        "https://[::1/keys",
        "https://idp.example.com:99999/",
    ],
)
def test_urls_that_may_not(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|https"):
        check_url(url)
