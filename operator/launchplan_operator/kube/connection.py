"""A connection to a real API server, over aiohttp."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
from yarl import URL

from launchplan_operator.kube.credentials import Credentials
from launchplan_operator.kube.encoding import encode_json
from launchplan_operator.kube.reply import retry_after
from launchplan_operator.kube.transport import Body, Object, Response, TransportError, decode_object

_CONNECT_SECONDS = 10.0
# Uncompressed, for a list takes the server and us half as long then.
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "launchplan-operator"}


class AiohttpTransport:
    """A pool of connections to one API server.

    Proxies come from the kubeconfig alone, never from the environment. The pool has room for `connections` at a
    time, open watches included.
    """

    def __init__(self, credentials: Credentials, connections: int = 64) -> None:
        self._credentials = credentials
        self._root = credentials.url
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, ssl=credentials.tls()),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
            headers=_HEADERS,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @classmethod
    async def from_kubeconfig(cls, path: str | None, context: str | None = None) -> "AiohttpTransport":
        """Connect as a kubeconfig file says; without a path as kubectl would."""
        return cls(await Credentials.from_kubeconfig(path, context))

    @classmethod
    async def from_service_account(cls) -> "AiohttpTransport":
        """Connect as a pod of the cluster."""
        return cls(await Credentials.from_service_account())

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request; after a 401 once more with fresh credentials."""
        data = None if body is None else encode_json(body)
        token = await self._credentials.authorization()
        response = await self._send(method, self._url(path, query), data, content_type, token)
        if response.status != HTTPStatus.UNAUTHORIZED:
            return response
        await self._credentials.refresh(token)
        token = await self._credentials.authorization()
        return await self._send(method, self._url(path, query), data, content_type, token)

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a watch."""
        token = await self._credentials.authorization()
        try:
            async with self._open("GET", self._url(path, query), None, "", token) as response:
                if response.status == HTTPStatus.OK:
                    yield _lines(response)
                    return
                refusal = Response(response.status, response.headers, decode_object(await response.read()))
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(_describe(error)) from None
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            await self._credentials.refresh(token)
        yield _refused(refusal)

    async def _send(self, method: str, url: URL, data: bytes | None, content_type: str, token: str | None) -> Response:
        try:
            async with self._open(method, url, data, content_type, token) as response:
                return Response(response.status, response.headers, decode_object(await response.read()))
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(_describe(error)) from None

    def _open(
        self, method: str, url: URL, data: bytes | None, content_type: str, token: str | None
    ) -> "aiohttp.client._RequestContextManager":
        headers = {} if data is None else {"Content-Type": content_type}
        if token is not None:
            headers["Authorization"] = token
        return self._session.request(
            method,
            url,
            data=data,
            headers=headers,
            allow_redirects=False,
            proxy=self._credentials.proxy,
            server_hostname=self._credentials.server_name,
        )

    def _url(self, path: str, query: Mapping[str, str] | None) -> URL:
        url = URL(self._root + path, encoded=True)
        return url.with_query(query) if query else url


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[Object]:
    """Yield the objects of a stream; a line may be longer than aiohttp's own line reader takes."""
    rest = b""
    try:
        async for chunk in response.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line:
                    yield json.loads(line)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise TransportError(_describe(error)) from None


async def _refused(refusal: Response) -> AsyncIterator[Object]:
    status: Object = {"kind": "Status", "code": refusal.status, "message": "watch refused"} | refusal.body
    seconds = retry_after(status, refusal.headers)
    if seconds is not None:
        status["details"] = (status.get("details") or {}) | {"retryAfterSeconds": seconds}
    yield {"type": "ERROR", "object": status}


def _describe(error: Exception) -> str:
    """Name what failed without the error's own text, which may quote the address with its credentials."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    return f"{type(error).__name__}: {os.strerror(number)}" if number else type(error).__name__
