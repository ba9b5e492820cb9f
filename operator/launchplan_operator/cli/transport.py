"""A connection to an API server over the standard library alone: importing a whole HTTP client takes too long.

One request, one connection: a command sends a handful, and HTTP/1.1 without reuse has nothing to go wrong between two.
"""

import asyncio
import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode, urlsplit

from launchplan_operator import __version__
from launchplan_operator.cli.kubeconfig import Access
from launchplan_operator.cli.login import Login
from launchplan_operator.kube.transport import Body, Object, Response, TransportError

_CONNECT_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 1.0
_PIECE: Final = 64 * 1024
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class _Reply:
    """The head of an answer, and its body yet to be read."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


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
        data = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
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
            refusal = _decode(await _whole(reply.body))
        if reply.status == HTTPStatus.UNAUTHORIZED:
            self._login.forget()
        yield _refused(reply.status, refusal)

    @asynccontextmanager
    async def open(
        self, method: str, path: str, query: Mapping[str, str] | None = None, data: bytes = b"", content_type: str = ""
    ) -> AsyncIterator[_Reply]:
        """Send a request and read the head of its answer; the body is read as it comes."""
        head = await self._head(method, path, query, len(data), content_type)
        with self._told():
            reader, writer = await self._connect()
        try:
            with self._told():
                writer.write(head + data)
                await writer.drain()
                status, headers = await _read_head(reader)
            yield _Reply(status, headers, self._body(reader, headers))
        finally:
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await writer.wait_closed()

    async def _body(self, reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
        with self._told():
            async for piece in _read_body(reader, headers):
                yield piece

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell a failure of the connection as the client expects it; what the reader of an answer raises stays as it is."""
        try:
            yield
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise TransportError(f"{self._target.netloc.rpartition('@')[2]}: {_describe(error)}") from None

    async def _ask(
        self, method: str, path: str, query: Mapping[str, str] | None, data: bytes, content_type: str
    ) -> Response:
        async with self.open(method, path, query, data, content_type) as reply:
            return Response(reply.status, reply.headers, _decode(await _whole(reply.body)))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = await self._login.tls()
        async with asyncio.timeout(_CONNECT_SECONDS):
            return await self._connect_by(context)

    async def _connect_by(self, context: ssl.SSLContext | None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target.hostname or "", self._target.port or _PORTS[self._target.scheme]
        name = str(self._access.cluster.get("tls-server-name") or host) if context else None
        proxy = self._access.cluster.get("proxy-url") or _proxy_of_environment(self._target.scheme, host)
        if not proxy:
            return await asyncio.open_connection(host, port, ssl=context, server_hostname=name)
        through = urlsplit(str(proxy))
        if through.scheme != "http":
            raise TransportError(f"the proxy {through.scheme}://{through.hostname}: only http:// proxies are known")
        reader, writer = await asyncio.open_connection(through.hostname, through.port or 80)
        writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        status, _ = await _read_head(reader)
        if status != HTTPStatus.OK:
            raise TransportError(f"the proxy {through.hostname}: {status}")
        if context:
            await writer.start_tls(context, server_hostname=name)
        return reader, writer

    async def _head(
        self, method: str, path: str, query: Mapping[str, str] | None, length: int, content_type: str
    ) -> bytes:
        text = f"{self._target.path}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {
            "Host": self._target.netloc.rpartition("@")[2],
            "User-Agent": f"kubectl-launchplan/{__version__}",
            "Accept": "application/json, */*",
            "Connection": "close",
            "Content-Length": str(length),
        }
        if length:
            headers["Content-Type"] = content_type
        if authorization := await self._login.authorization():
            headers["Authorization"] = authorization
        lines = [f"{method} {text} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first = (await _line(reader)).split(" ", 2)
    if not first[0].startswith("HTTP/"):
        raise ValueError("it does not speak HTTP")
    headers = {}
    while line := await _line(reader):
        key, _, value = line.partition(":")
        headers[key.strip().title()] = value.strip()
    return int(first[1]), headers


async def _line(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\n")).decode("latin-1").strip()


async def _read_body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    if headers.get("Transfer-Encoding", "").lower() == "chunked":
        while size := int((await _line(reader)).partition(";")[0], 16):
            async for piece in _exactly(reader, size):
                yield piece
            await _line(reader)
        return
    if "Content-Length" in headers:
        async for piece in _exactly(reader, int(headers["Content-Length"])):
            yield piece
        return
    while piece := await reader.read(_PIECE):
        yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size:
        piece = await reader.read(min(size, _PIECE))
        if not piece:
            raise EOFError
        size -= len(piece)
        yield piece


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


def _decode(data: bytes) -> Object:
    """Return the JSON object, or an empty one: a proxy's page or plain text is no answer of Kubernetes."""
    try:
        decoded = json.loads(data)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


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
    if isinstance(error, EOFError):
        return "the connection broke"
    # asyncio puts a text of its own into what the system says; the other two have numbers of their own.
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError | socket.gaierror):
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
