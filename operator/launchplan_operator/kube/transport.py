"""What the client needs of a connection to an API server, and nothing more."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

Object = dict[str, Any]
Body = Object | list[Any]


@dataclass(frozen=True, slots=True)
class Response:
    """An answer of the API server.

    Attributes:
        status: The HTTP status.
        headers: The HTTP headers, looked up in any case.
        body: The decoded JSON object; empty where the server sent something else.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Object = field(default_factory=dict)


class TransportError(Exception):
    """The connection failed; whether the server did the work is unknown.

    Its text holds neither an address nor credentials.
    """


class Transport(Protocol):
    """A connection to one API server.

    Both methods raise `TransportError` on a failed connection. Neither has a time-out of its own but for connecting:
    the caller bounds the time.
    """

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request and read its whole answer, whatever the status."""
        ...

    def stream(self, path: str, query: Mapping[str, str]) -> AbstractAsyncContextManager[AsyncIterator[Object]]:
        """Open a watch; yields its lines as objects.

        A refused watch yields one line of type ERROR with the server's Status, just as a watch that fails later.
        """
        ...


def decode_object(data: bytes) -> Object:
    """Return the JSON object, or an empty one: a proxy's page or plain text is no answer of Kubernetes."""
    try:
        decoded = json.loads(data)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}
