"""What a connection sends and reads, byte by byte: every shape of an answer, and what is none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from launchplan_operator.api.kinds import LAUNCH_PLANS
from launchplan_operator.cli.kubeconfig import Access
from launchplan_operator.cli.login import Login
from launchplan_operator.cli.transport import HttpTransport
from launchplan_operator.kube.client import Client, Unavailable
from launchplan_operator.kube.transport import TransportError

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    """Yield the port of a server of raw bytes; at the end all its connections are closed."""
    tasks: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.append(task)
        with suppress(ConnectionError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks)


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[HttpTransport]:
    """Yield a transport to a server of raw bytes."""
    async with listening(handler) as port:
        access = Access(f"http://127.0.0.1:{port}/base", "default")
        yield HttpTransport(access, Login(access))


def sends(*pieces: bytes) -> Handler:
    """Return a server that reads a request's head and sends pieces, one by one."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.001)

    return handle


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}',), id="by its length"),
        pytest.param((b'HTTP/1.1 200 OK\r\n\r\n{"a"', b": 1}"), id="until the end"),
        pytest.param((b"HTTP/1.1 200 OK\r\nTransfer-Enc", b'oding: chunked\r\n\r\n3\r\n{"a\r\n5;x=y\r\n": ', b"1}\r\n0\r\n\r\n"), id="in chunks"),
        pytest.param((b'HTTP/1.0 200\r\ncontent-length:8\r\n\r\n{"a": 1}more',), id="with lower-case headers"),
    ],
)  # fmt: skip
async def test_an_answer_in_any_of_its_shapes(pieces: tuple[bytes, ...]) -> None:
    """Is read whole."""
    async with answering(sends(*pieces)) as transport:
        assert (await transport.request("GET", "/x", query={"a": "b c"})).body == {"a": 1}


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        pytest.param((), "the connection broke", id="nothing"),
        pytest.param((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",), "the connection broke", id="too little"),
        pytest.param(
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",),
            "the connection broke",
            id="a chunk without a size",
        ),
        pytest.param((b"SSH-2.0-OpenSSH\r\n",), "it does not speak HTTP", id="another protocol"),
        pytest.param((b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000,), "", id="a header without end"),
    ],
)
async def test_an_answer_that_is_none(pieces: tuple[bytes, ...], told: str) -> None:
    """Is a failed connection, whose text holds the address."""
    async with answering(sends(*pieces)) as transport:
        with pytest.raises(TransportError) as caught:
            await transport.request("GET", "/x")
        assert told in str(caught.value)
        assert str(caught.value).startswith("127.0.0.1:")


async def test_a_watch_over_raw_bytes() -> None:
    """Lines are put together from pieces; one that breaks off is a failed connection."""
    line = b'{"type": "ADDED", "object": {"metadata": {"name": "' + b"x" * 100_000 + b'"}}}\n'
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    async with answering(sends(head, line[:5], line[5:], line + line[:9])) as transport:
        events = Client(transport).watch(LAUNCH_PLANS, "default")
        assert [(await anext(events)).type, (await anext(events)).type] == ["ADDED", "ADDED"]
        with pytest.raises(Unavailable, match="middle of a line"):
            await anext(events)


async def test_a_watch_that_says_nothing_can_be_left() -> None:
    """The thread that waits for its next line ends with it, so that a command's time-out ends the command."""
    left = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert await reader.read() == b""
        left.set()

    async with answering(handle) as transport, asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2), transport.stream("/x", {}) as lines:
                await anext(lines)
        await left.wait()
        await asyncio.get_running_loop().shutdown_default_executor()


async def test_a_proxy_is_asked_for_a_tunnel() -> None:
    """As the kubeconfig names it."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}')

    async with listening(handle) as port:
        access = Access("http://cluster.example:80", "default", {"proxy-url": f"http://127.0.0.1:{port}"})
        response = await HttpTransport(access, Login(access)).request("GET", "/x")
    assert response.body == {"a": 1}
    assert asked[0].startswith(b"CONNECT cluster.example:80 HTTP/1.")
    assert asked[1].startswith(b"GET /x HTTP/1.1\r\n")
    assert b"\r\nHost: cluster.example:80\r\n" in asked[1]


@pytest.mark.parametrize(
    ("proxy", "told"),
    [("socks5://127.0.0.1:1", "only http:// proxies are known"), ("http://127.0.0.1:1", "Connection refused")],
)
async def test_a_proxy_that_is_of_no_use(proxy: str, told: str) -> None:
    """Is a failed connection."""
    access = Access("http://cluster.example", "default", {"proxy-url": proxy})
    with pytest.raises(TransportError, match=told):
        await HttpTransport(access, Login(access)).request("GET", "/x")


def test_a_machine_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy counts as with kubectl: not for this machine, nor for what it excepts."""
    from launchplan_operator.cli.transport import _proxy_of_environment as proxy_of  # noqa: PLC0415 - one test's

    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inner.example")
    assert proxy_of("https", "cluster.example") == "http://proxy:3128"
    assert [proxy_of("https", host) for host in ("inner.example", "127.0.0.1", "localhost")] == [None] * 3
    assert proxy_of("http", "cluster.example") is None
