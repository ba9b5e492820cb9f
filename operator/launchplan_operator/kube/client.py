"""One client for all kinds: plain objects in and out, one door for every write."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from logging import getLogger

from launchplan_operator.api.kinds import Kind
from launchplan_operator.kube.reply import Fenced, Gone, Reply, Unavailable, raise_if_unavailable, retry_after
from launchplan_operator.kube.transport import Body, Object, Response, Transport, TransportError

__all__ = [
    "APPLY_PATCH",
    "JSON",
    "MERGE_PATCH",
    "Client",
    "Fenced",
    "Gone",
    "Listing",
    "Reply",
    "Unavailable",
    "WatchEvent",
]

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_LIST_RESTARTS = 5
_logger = getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of one list, as of one resource version."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One line of a watch: ADDED, MODIFIED, DELETED or BOOKMARK."""

    type: str
    object: Object


class Client:
    """GET, LIST, WATCH and every write.

    Reads raise `Unavailable` for whatever is neither an answer nor a proven absence. Writes return a `Reply` for a
    definite answer and raise `Unavailable` where the outcome is unknown; nothing is retried here.

    Args:
        transport: The connection.
        timeout: Seconds that one call may take.
        fence: Asked before every write whether this process may still write.
        on_written: Told every object that a write returned, so that caches are read-your-writes.
        on_call: Told (verb, resource, status or 0, seconds) of every call; resource as in RBAC, `jobs/status`. A watch is
            told of at its end.
        field_manager: The name that the server notes for our writes.

    Attributes:
        calls: How often each (verb, resource) was called.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        timeout: float = 30.0,
        fence: Callable[[], bool] | None = None,
        on_written: Callable[[Kind, Object], object] | None = None,
        on_call: Callable[[str, str, int, float], None] | None = None,
        field_manager: str = "launchplan-operator",
    ) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.fence = fence
        self.on_written = on_written
        self.on_call = on_call
        self._transport = transport
        self._timeout = timeout
        self._manager = field_manager

    async def get(self, kind: Kind, namespace: str | None, name: str) -> Object | None:
        """Read one object from the server; None only if the server says that this very object does not exist."""
        response = await self._call("get", kind, "GET", kind.path(namespace, name))
        if response.status == HTTPStatus.OK:
            return response.body
        if response.status == HTTPStatus.NOT_FOUND:
            return None
        raise _refusal("get", kind, response)

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: Mapping[str, str] | str | None = None,
        limit: int = 500,
        fields: str = "",
    ) -> Listing:
        """Read all objects in chunks of `limit`, as of one resource version; begins anew if that expires midway."""
        for _ in range(_LIST_RESTARTS):
            listing = Listing([], "")
            try:
                async for chunk in self.chunks(kind, namespace, labels, limit, fields):
                    listing = Listing(listing.items + chunk.items, chunk.resource_version)
            except Gone:
                continue
            return listing
        raise Unavailable(f"list {kind.plural}: expired {_LIST_RESTARTS} times before its end")

    async def chunks(
        self,
        kind: Kind,
        namespace: str | None = None,
        labels: Mapping[str, str] | str | None = None,
        limit: int = 500,
        fields: str = "",
    ) -> AsyncGenerator[Listing, None]:
        """Yield a list chunk by chunk, all of one resource version.

        Raises:
            Gone: The list expired midway: what was yielded is not the whole.
        """
        query = {"limit": str(limit)} | _selector(labels, fields)
        while True:
            response = await self._call("list", kind, "GET", kind.path(namespace), query=query)
            if response.status != HTTPStatus.OK:
                raise _refusal("list", kind, response)
            yield _chunk(kind, response.body)
            token = response.body["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token

    async def watch(
        self,
        kind: Kind,
        namespace: str | None = None,
        resource_version: str = "",
        labels: Mapping[str, str] | str | None = None,
        timeout: float = 300.0,  # noqa: ASYNC109 - the server's own time-out, a part of the request
        fields: str = "",
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yield events after `resource_version` until the server ends the watch, at latest after `timeout` seconds.

        Raises:
            Gone: The resource version is too old.
            Unavailable: The watch was refused or broke.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(max(1, int(timeout))),
        } | _selector(labels, fields)
        self.calls["watch", kind.plural] += 1
        start, status = asyncio.get_running_loop().time(), int(HTTPStatus.OK)
        try:
            async with self._transport.stream(kind.path(namespace), query) as lines:
                async for line in lines:
                    status = _status_of(line)
                    yield _event(kind, line)
        except TransportError as error:
            status = 0
            raise Unavailable(f"watch {kind.plural}: {error}") from None
        finally:
            self._tell_called("watch", kind.plural, status, start)

    async def create(self, kind: Kind, obj: Object, *, dry_run: bool = False, strict: bool = False) -> Reply:
        """Create an object; `strict` lets the server refuse fields that it does not know."""
        query = {"fieldManager": self._manager}
        if dry_run:
            query["dryRun"] = "All"
        if strict:
            query["fieldValidation"] = "Strict"
        return await self._mutate("create", kind, "POST", kind.path(_namespace(obj)), query=query, body=obj)

    async def replace(self, kind: Kind, obj: Object, subresource: str | None = None) -> Reply:
        """Replace an object; with its resourceVersion a compare-and-set."""
        path = kind.path(_namespace(obj), obj["metadata"]["name"], subresource)
        query = {"fieldManager": self._manager}
        return await self._mutate("update", kind, "PUT", path, subresource=subresource, query=query, body=obj)

    async def patch(  # noqa: PLR0913 - a patch has that many parts
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        body: Body,
        subresource: str | None = None,
        content_type: str = MERGE_PATCH,
        *,
        force: bool = False,
        dry_run: bool = False,
    ) -> Reply:
        """Patch an object; `metadata.resourceVersion` in a merge patch makes it a compare-and-set.

        `force` is for server-side apply alone.
        """
        query = {"fieldManager": self._manager}
        if force:
            query["force"] = "true"
        if dry_run:
            query["dryRun"] = "All"
        return await self._mutate(
            "patch",
            kind,
            "PATCH",
            kind.path(namespace, name, subresource),
            subresource=subresource,
            query=query,
            body=body,
            content_type=content_type,
        )

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        uid: str | None = None,
        propagation: str = "Background",
        *,
        resource_version: str | None = None,
    ) -> Reply:
        """Delete an object; with `uid` only that very one, with `resource_version` only as it was (else a conflict)."""
        options: Object = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": propagation}
        wanted = {"uid": uid, "resourceVersion": resource_version}
        if preconditions := {key: value for key, value in wanted.items() if value is not None}:
            options["preconditions"] = preconditions
        return await self._mutate("delete", kind, "DELETE", kind.path(namespace, name), query=None, body=options)

    async def _mutate(  # noqa: PLR0913 - the one door of all writes
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None,
        body: Body,
        subresource: str | None = None,
        content_type: str = JSON,
    ) -> Reply:
        if self.fence is not None and not self.fence():
            raise Fenced(f"{verb} {kind.plural}: not the leader")
        response = await self._call(
            verb, kind, method, path, subresource=subresource, query=query, body=body, content_type=content_type
        )
        if response.status < HTTPStatus.MULTIPLE_CHOICES and not (query and "dryRun" in query):
            self._tell_written(kind, response.body)
        return Reply(response.status, response.body)

    def _tell_called(self, verb: str, resource: str, status: int, start: float) -> None:
        if self.on_call is not None:
            self.on_call(verb, resource, status, asyncio.get_running_loop().time() - start)

    def _tell_written(self, kind: Kind, obj: Object) -> None:
        if self.on_written is None or obj.get("kind") != kind.kind:
            return
        try:
            self.on_written(kind, obj)
        except Exception:  # the write is done: its outcome must reach the caller
            _logger.exception("the hook for a written object failed: %s", kind.plural)

    async def _call(  # noqa: PLR0913 - as the transport's
        self,
        verb: str,
        kind: Kind,
        method: str,
        path: str,
        *,
        subresource: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content_type: str = JSON,
    ) -> Response:
        resource = kind.plural if subresource is None else f"{kind.plural}/{subresource}"
        self.calls[verb, resource] += 1
        start = asyncio.get_running_loop().time()
        status = 0
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._transport.request(
                    method, path, query=query, body=body, content_type=content_type
                )
            status = response.status
        except TimeoutError:
            raise Unavailable(f"{verb} {resource}: no answer within {self._timeout:g} s") from None
        except TransportError as error:
            raise Unavailable(f"{verb} {resource}: {error}") from None
        finally:
            self._tell_called(verb, resource, status, start)
        raise_if_unavailable(f"{verb} {resource}", response)
        return response


def _status_of(line: Object) -> int:
    """Return the HTTP status that a line of a watch stands for."""
    return int(line["object"].get("code") or 0) if line["type"] == "ERROR" else HTTPStatus.OK


def _namespace(obj: Object) -> str | None:
    namespace: str | None = obj["metadata"].get("namespace")
    return namespace


def _selector(labels: Mapping[str, str] | str | None, fields: str) -> dict[str, str]:
    chosen = {"fieldSelector": fields} if fields else {}
    if not labels:
        return chosen
    text = labels if isinstance(labels, str) else ",".join(f"{key}={value}" for key, value in labels.items())
    return {"labelSelector": text} | chosen


def _chunk(kind: Kind, body: Object) -> Listing:
    items: list[Object] = body.get("items") or []
    for item in items:
        # Lists of the built-in kinds leave these out, watches do not.
        item.setdefault("apiVersion", kind.api_version)
        item.setdefault("kind", kind.kind)
    return Listing(items, body["metadata"]["resourceVersion"])


def _event(kind: Kind, line: Object) -> WatchEvent:
    if line["type"] != "ERROR":
        return WatchEvent(line["type"], line["object"])
    status: Object = line["object"]
    code = int(status.get("code") or 0)
    error = Gone if code == HTTPStatus.GONE else Unavailable
    raise error(f"watch {kind.plural}: {code} {status.get('message', '')}", retry_after(status, {}))


def _refusal(verb: str, kind: Kind, response: Response) -> Unavailable:
    return Unavailable(f"{verb} {kind.plural}: {response.status} {response.body.get('message', '')}")
