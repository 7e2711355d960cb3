"""Calls to an identity provider: aiohttp, verified TLS, everything bounded.

Rules. HTTPS, verified against the system's certificates or a file of the policy's. Plain HTTP only to a loopback
address: there is nobody in between there, and a sidecar needs no certificate. No redirects (the policy names where
keys come from, not the provider's web server), no cookies, no proxy from the environment, no compression, an answer
within `TIMEOUT_S` and its bound.

Failure modes. `FetchError` for everything that is not a 200 with a whole body.
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote_plus, urlsplit

import aiohttp

__all__ = ["Fetcher", "FetchError", "check_url"]

TIMEOUT_S: Final = 5.0
"""From the first byte sent to the last received. A provider that is slower is down, as far as a request is
concerned."""

_CONNECTIONS: Final = 64


class FetchError(Exception):
    """The provider did not answer as it should."""


def check_url(text: str) -> str:
    """The URL, where it may be called. Raises ValueError, whose message does not repeat it."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if not host or url.username is not None or url.fragment or any(not "!" <= each <= "~" for each in text):
        raise ValueError("is not a URL with a host and without user, fragment or spaces")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(host)):
        raise ValueError("begins with neither https:// nor, for a loopback address, http://")
    return text


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Fetcher:
    """The calls of one worker. Made outside of a loop; the session is opened with the first call."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    async def get(self, url: str, limit: int, ca_file: str | None = None) -> bytes:
        """The body at `url`, of at most `limit` bytes. Raises FetchError."""
        return await self._call("GET", url, limit, ca_file, None, None)

    async def post(
        self, url: str, fields: dict[str, str], limit: int, ca_file: str | None, client: tuple[str, str] | None
    ) -> bytes:
        """The answer to a form. `client`: id and secret for HTTP Basic, each encoded as RFC 6749 (section 2.3.1)
        asks."""
        headers = {}
        if client is not None:
            pair = ":".join(map(quote_plus, client)).encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        return await self._call("POST", url, limit, ca_file, fields, headers)

    async def close(self) -> None:
        """End the connections."""
        if self._session is not None:
            await self._session.close()

    async def _call(
        self,
        method: str,
        url: str,
        limit: int,
        ca_file: str | None,
        fields: dict[str, str] | None,
        headers: dict[str, str] | None,
    ) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"Accept": "application/json", "Accept-Encoding": "identity"},
                auto_decompress=False,
            )
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                self._session.request(
                    method,
                    check_url(url),
                    data=fields,
                    headers=headers,
                    ssl=self._context(ca_file),
                    allow_redirects=False,
                ) as response,
            ):
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > limit:
                        raise FetchError("its answer is too long")
                if response.status != 200:
                    raise FetchError(f"it answered with {response.status}")
                return bytes(body)
        except TimeoutError:
            raise FetchError(f"no answer within {TIMEOUT_S:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise FetchError(f"{type(error).__name__}: {error}") from None

    def _context(self, ca_file: str | None) -> ssl.SSLContext:
        context = self._contexts.get(ca_file)
        if context is None:
            context = self._contexts[ca_file] = ssl.create_default_context(cafile=ca_file)
        return context
