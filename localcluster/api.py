"""A small client of the API server: JSON over one kept-alive connection a thread."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Object = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
_JSON = "application/json"
_TIMEOUT_SECONDS = 30.0
_OK = range(200, 300)
_TROUBLE = (OSError, http.client.HTTPException)


class ApiUnavailableError(Exception):
    """The API server did not answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API server answered: a status code and an object (empty if it was no JSON)."""

    status: int
    body: Object

    @property
    def ok(self) -> bool:
        """Whether the request succeeded."""
        return self.status in _OK


class Api:
    """Requests to one API server as one user, trusting the authority `ca` (PEM); threads may share it."""

    def __init__(self, url: str, ca: str, token: str) -> None:
        self._host = urlsplit(url).netloc
        self._tls = ssl.create_default_context(cadata=ca)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": _JSON}
        self._kept = threading.local()
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPSConnection] = set()

    def request(self, method: str, path: str, body: Object | None = None, content_type: str = _JSON) -> Reply:
        """Send one request and read the answer.

        Raises:
            ApiUnavailableError: no answer; whether the request took effect is unknown.
        """
        data = None if body is None else json.dumps(body).encode()
        headers = self._headers | ({"Content-Type": content_type} if data else {})
        connection = self._connection()
        try:
            connection.request(method, path, data, headers)
            with connection.getresponse() as response:
                return Reply(response.status, _parse(response.read()))
        except _TROUBLE as error:
            self._forget(connection)
            raise ApiUnavailableError(f"{method} {path}: {error!r}") from error

    def watch(self, path: str) -> "Watch":
        """Begin to watch a collection; `path` holds the query but for `watch=true`."""
        return Watch(self._connect(None), f"{path}{'&' if '?' in path else '?'}watch=true", self._headers)

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._open:
                connection.close()
            self._open.clear()

    def _connect(self, timeout: float | None) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, context=self._tls, timeout=timeout)

    def _connection(self) -> http.client.HTTPSConnection:
        kept: http.client.HTTPSConnection | None = getattr(self._kept, "connection", None)
        if kept is None:
            kept = self._kept.connection = self._connect(_TIMEOUT_SECONDS)
            with self._lock:
                self._open.add(kept)
        return kept

    def _forget(self, connection: http.client.HTTPSConnection) -> None:
        connection.close()
        self._kept.connection = None
        with self._lock:
            self._open.discard(connection)


class Watch:
    """A running watch: iterate over its events; `stop` from another thread ends the iteration."""

    def __init__(self, connection: http.client.HTTPSConnection, path: str, headers: dict[str, str]) -> None:
        self._connection = connection
        self._path = path
        self._headers = headers
        self._stopped = False

    def __iter__(self) -> Iterator[Object]:
        try:
            self._connection.request("GET", self._path, headers=self._headers)
            with self._connection.getresponse() as response:
                if response.status not in _OK:
                    yield {"type": "ERROR", "object": _parse(response.read())}
                while line := response.readline():
                    yield json.loads(line)
        except (*_TROUBLE, ValueError) as error:
            if not self._stopped:
                raise ApiUnavailableError(f"watch {self._path}: {error!r}") from error
        finally:
            self._connection.close()

    def stop(self) -> None:
        """End the watch; safe to call twice and from any thread."""
        self._stopped = True
        sock = self._connection.sock
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:  # it is closed already
                return


def _parse(data: bytes) -> Object:
    try:
        parsed = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
    return parsed if isinstance(parsed, dict) else {"message": data.decode(errors="replace")}
