"""Lists in chunks of one snapshot, and watches."""

import itertools
from typing import Any

from tests.fake.errors import ApiError, expired
from tests.fake.routing import Call
from tests.fake.selectors import Predicate, field_selector, label_selector
from tests.fake.store import Object, Store, Watch, copy


class Lister:
    """Reads of more than one object."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: dict[str, tuple[int, list[Object]]] = {}
        self._tokens = itertools.count(1)

    def chunk(self, call: Call) -> Object:
        """Return one chunk; a continued list shows the state that its first chunk saw."""
        query = call.request.query
        token = query.get("continue")
        if token:
            version, items = self._snapshot(token)
        else:
            version, items = self._store.version, self._select(call)
        limit = int(query.get("limit") or 0) or len(items)
        meta: Object = {"resourceVersion": str(version)}
        if len(items) > limit:
            meta["continue"] = f"chunk-{next(self._tokens)}"
            meta["remainingItemCount"] = len(items) - limit
            self._snapshots[meta["continue"]] = (version, items[limit:])
        kind = call.kind
        items_of_chunk = [_item(call, obj) for obj in items[:limit]]
        return {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": meta, "items": items_of_chunk}

    def watch(self, call: Call) -> Watch:
        """Open a watch from `resourceVersion`; without one it begins with the present state."""
        query = call.request.query
        bookmarks = query.get("allowWatchBookmarks") == "true"
        watch = Watch(call.kind, call.namespace, _predicate(call), bookmarks)
        version = query.get("resourceVersion", "")
        if query.get("sendInitialEvents") == "true":
            self._store.watch(watch, None)
            self._store.bookmark(watch, {"k8s.io/initial-events-end": "true"})
            return watch
        if not version.isdigit() and version:
            raise ApiError(500, "", f'resourceVersion: Invalid value: "{version}": strconv.ParseUint: invalid syntax')
        since = int(version or 0)
        try:
            self._store.check_version(since or self._store.version)
        except ApiError as error:
            # The watch cache opens the stream and refuses in it.
            watch.push("ERROR", error.status())
            watch.close()
            return watch
        return self._store.watch(watch, since or None)

    def _select(self, call: Call) -> list[Object]:
        matches = _predicate(call)
        return [
            obj
            for obj in self._store.of(call.kind)
            if call.namespace in (None, obj["metadata"].get("namespace")) and matches(obj)
        ]

    def _snapshot(self, token: str) -> tuple[int, list[Object]]:
        version, items = self._snapshots.pop(token, (0, []))
        try:
            self._store.check_version(version)
        except ApiError:
            raise expired(version, self._store.version) from None
        return version, items


def _predicate(call: Call) -> Predicate:
    query = call.request.query
    labels = label_selector(query.get("labelSelector", ""))
    fields = field_selector(query.get("fieldSelector", ""), call.resource.selectable)
    return lambda obj: labels(obj) and fields(obj)


def _item(call: Call, obj: Object) -> Any:
    """Lists of built-in kinds leave out what every item has in common."""
    item = copy(obj)
    if not call.resource.custom:
        del item["apiVersion"], item["kind"]
    return item
