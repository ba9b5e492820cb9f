"""A connection to an API server by the standard library: importing the operator's own client takes longer than a start may.

One request, one connection: a command sends a handful. The library blocks, so each step of it runs in a thread.
"""

import asyncio
import http.client
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import SplitResult, urlencode, urlsplit

from launchplan_operator import __version__
from launchplan_operator.cli.kubeconfig import Access
from launchplan_operator.cli.login import Login
from launchplan_operator.kube.transport import Body, Object, Response, TransportError, decode_object

_CONNECT_SECONDS: Final = 10.0
_PIECE: Final = 64 * 1024
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class _Reply:
    """The head of an answer, and its body yet to be read."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class _Connection(http.client.HTTPConnection):
    """A connection, with TLS where there is a context: the library's own cannot show the server another name."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, server_name: str) -> None:
        super().__init__(host, port, timeout=_CONNECT_SECONDS)
        self._tls = context
        self._server_name = server_name
        self._line: socket.socket | None = None

    def connect(self) -> None:
        """Connect; from then on it is the caller who knows how long an answer may take."""
        super().connect()
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._server_name)
        self.sock.settimeout(None)
        # The library lets go of `sock` once an answer has begun that is the last one.
        self._line = self.sock

    def break_off(self) -> None:
        """Close it under a thread that reads from it, which then ends."""
        if self._line is not None:
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)
        self.close()


class HttpTransport:
    """Sends requests to the API server that an `Access` names, as its user."""

    def __init__(self, access: Access, login: Login) -> None:
        self._access = access
        self._login = login
        self._target = urlsplit(access.server)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request; after a 401 once more if the user's credentials can be made anew."""
        data = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        response = await self._ask(method, path, query, data, content_type)
        if response.status == HTTPStatus.UNAUTHORIZED and self._login.forget():
            return await self._ask(method, path, query, data, content_type)
        return response

    @asynccontextmanager
    async def stream(self, path: str, query: Mapping[str, str]) -> AsyncIterator[AsyncIterator[Object]]:
        """Open a watch."""
        async with self.open("GET", path, query) as reply:
            if reply.status == HTTPStatus.OK:
                yield _objects(reply.body)
                return
            refusal = decode_object(await _whole(reply.body))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._login.forget()
        yield _refused(reply.status, refusal)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = "",
    ) -> AsyncIterator[_Reply]:
        """Send a request and read the head of its answer; the body is read as it comes."""
        url = f"{self._target.path}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = await self._headers(content_type if data else "")
        connection = self._connection(await self._login.tls())
        try:
            with self._told():
                response = await asyncio.to_thread(_send, connection, method, url, data, headers)
            found = {key.title(): value for key, value in response.headers.items()}
            yield _Reply(response.status, found, self._pieces(response))
        finally:
            connection.break_off()

    async def _pieces(self, response: http.client.HTTPResponse) -> AsyncIterator[bytes]:
        with self._told():
            while piece := await asyncio.to_thread(response.read1, _PIECE):
                yield piece
            if response.length:
                raise EOFError

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell a failure of the connection as the client expects it; what the reader of an answer raises stays as it is."""
        try:
            yield
        except (OSError, EOFError, http.client.HTTPException) as error:
            raise TransportError(f"{self._target.netloc.rpartition('@')[2]}: {_describe(error)}") from None

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None, data: bytes | None, content_type: str
    ) -> Response:
        async with self.open(method, path, query, data, content_type) as reply:
            return Response(reply.status, reply.headers, decode_object(await _whole(reply.body)))

    def _connection(self, context: ssl.SSLContext | None) -> _Connection:
        host, port = self._target.hostname or "", self._target.port or _PORTS[self._target.scheme]
        name = str(self._access.cluster.get("tls-server-name") or host)
        proxy = self._access.cluster.get("proxy-url") or _proxy_of_environment(self._target.scheme, host)
        if not proxy:
            return _Connection(host, port, context, name)
        through = _read_proxy(str(proxy))
        connection = _Connection(through.hostname or "", through.port or _PORTS["http"], context, name)
        connection.set_tunnel(host, port)
        return connection

    async def _headers(self, content_type: str) -> dict[str, str]:
        headers = {
            "Host": self._target.netloc.rpartition("@")[2],
            "User-Agent": f"kubectl-launchplan/{__version__}",
            "Accept": "application/json, */*",
            "Connection": "close",
        }
        if content_type:
            headers["Content-Type"] = content_type
        if authorization := await self._login.authorization():
            headers["Authorization"] = authorization
        return headers


def _send(
    connection: _Connection, method: str, url: str, data: bytes | None, headers: Mapping[str, str]
) -> http.client.HTTPResponse:
    connection.request(method, url, data, headers)
    return connection.getresponse()


async def _whole(body: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in body])


async def _objects(body: AsyncIterator[bytes]) -> AsyncIterator[Object]:
    async for line in split_lines(body):
        try:
            yield json.loads(line)
        except ValueError:
            raise TransportError("a watch broke in the middle of a line") from None


async def split_lines(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of a stream as they end, without their ends; the last one may have none."""
    rest: list[bytes] = []
    async for piece in body:
        first, *more = piece.split(b"\n")
        rest.append(first)
        for following in more:
            yield b"".join(rest)
            rest = [following]
    if any(rest):
        yield b"".join(rest)


async def _refused(status: int, refusal: Object) -> AsyncIterator[Object]:
    yield {"type": "ERROR", "object": {"kind": "Status", "message": "watch refused"} | refusal | {"code": status}}


def _read_proxy(url: str) -> SplitResult:
    through = urlsplit(url)
    if through.scheme != "http":
        raise TransportError(f"the proxy {through.scheme}://{through.hostname}: only http:// proxies are known")
    return through


def _proxy_of_environment(scheme: str, host: str) -> str | None:
    if host == "localhost" or host.startswith("127."):
        return None
    if not any(name.lower() == f"{scheme}_proxy" for name in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - almost nobody needs it

    return None if proxy_bypass(host) else getproxies().get(scheme)


def _describe(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, TimeoutError):
        return f"no connection within {_CONNECT_SECONDS:g} s"
    if isinstance(error, EOFError | http.client.RemoteDisconnected | http.client.IncompleteRead):
        return "the connection broke"
    if isinstance(error, http.client.BadStatusLine):
        return "it does not speak HTTP"
    # Of the system's errors only their own words; the other two have numbers of their own.
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError | socket.gaierror):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
