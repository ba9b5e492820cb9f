"""Objects, one resource version for all, history, and the watches that follow it."""

import json
import marshal
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, TypeVar, cast

from launchplan_operator.api.kinds import Kind
from tests.fake.errors import ApiError, expired
from tests.fake.selectors import Predicate

Object = dict[str, Any]
Name = tuple[str, str]


T = TypeVar("T")

#: The version of marshal's format in which what stood twice in the original is two things in the copy.
_WITHOUT_SHARING = 2


def as_json(value: T) -> T:
    """Return a deep copy by way of JSON: what is not JSON cannot enter the server."""
    copied: T = json.loads(json.dumps(value))
    return copied


def copy(value: T) -> T:
    """Return a deep copy of JSON; of all ways the fastest, and the server does little else."""
    try:
        copied: T = marshal.loads(marshal.dumps(cast("Any", value), _WITHOUT_SHARING))  # noqa: S302 - of our own making just now
    except ValueError:  # a text that is a member of an enumeration, which only a controller or a test hands over
        return as_json(value)
    return copied


@dataclass(frozen=True, slots=True)
class Change:
    """One write as history keeps it; objects in it are never changed."""

    version: int
    kind: Kind
    before: Object | None
    after: Object | None

    @property
    def object(self) -> Object:
        """The object as it is now, or was last."""
        found = self.before if self.after is None else self.after
        assert found is not None
        return found


@dataclass(slots=True)
class Watch:
    """One open watch: lines wait in `pending` until the transport takes them."""

    kind: Kind
    namespace: str | None
    matches: Predicate
    bookmarks: bool
    pending: deque[Object] = field(default_factory=deque)
    closed: bool = False
    wake: Callable[[], None] = lambda: None

    def push(self, kind: str, obj: Object) -> None:
        """Append a line, unless the watch has ended."""
        if self.closed:
            return
        self.pending.append({"type": kind, "object": copy(obj)})
        self.wake()

    def close(self) -> None:
        """End the watch after what is pending."""
        self.closed = True
        self.wake()

    def line(self, change: Change) -> tuple[str, Object] | None:
        """Return what the watch shows of a change: entering a selector is ADDED, leaving it DELETED."""
        before = change.before if change.before is not None and self._covers(change.before) else None
        after = change.after if change.after is not None and self._covers(change.after) else None
        if after is not None:
            return ("ADDED" if before is None else "MODIFIED"), after
        if before is None:
            return None
        return "DELETED", before | {"metadata": before["metadata"] | {"resourceVersion": str(change.version)}}

    def _covers(self, obj: Object) -> bool:
        return self.namespace in (None, obj["metadata"].get("namespace")) and self.matches(obj)


class Store:
    """All objects by kind and (namespace, name).

    Attributes:
        version: The resource version of the newest write.
        drop: Asked for every (watch, type, object) whether the line gets lost on its way.
        listeners: Told every change, before any watch.
    """

    def __init__(self) -> None:
        self.version = 1
        self.objects: dict[Kind, dict[Name, Object]] = {}
        self.drop: Callable[[Watch, str, Object], bool] = lambda _watch, _type, _obj: False
        self.listeners: list[Callable[[Change], None]] = []
        self._history: deque[Change] = deque(maxlen=20_000)
        self._oldest = 0
        self._watches: list[Watch] = []

    def get(self, kind: Kind, name: Name) -> Object | None:
        """Return the stored object itself, not to be changed."""
        return self.objects.get(kind, {}).get(name)

    def of(self, kind: Kind) -> list[Object]:
        """Return the stored objects of a kind, by namespace and name."""
        return [obj for _, obj in sorted(self.objects.get(kind, {}).items())]

    def since(self, version: int) -> list[Change] | None:
        """Return the writes after a version, oldest first; None where history does not reach back so far."""
        if version < self._oldest:
            return None
        return list(takewhile(lambda change: change.version > version, reversed(self._history)))[::-1]

    def write(self, kind: Kind, name: Name, obj: Object | None) -> Object | None:
        """Store `obj` (None deletes) under the next resource version and tell the watches."""
        objects = self.objects.setdefault(kind, {})
        before = objects.get(name)
        self.version += 1
        if obj is None:
            objects.pop(name, None)
        else:
            obj["metadata"]["resourceVersion"] = str(self.version)
            objects[name] = obj
        change = Change(self.version, kind, before, obj)
        if len(self._history) == self._history.maxlen:
            self._oldest = self._history[0].version
        self._history.append(change)
        for listener in self.listeners:
            listener(change)
        for watch in list(self._watches):
            if watch.kind == kind:
                self._send(watch, change)
        return obj

    def state_at(self, kind: Kind, version: int) -> dict[Name, Object] | None:
        """Return the objects of a kind as they were at an earlier resource version; None if that is forgotten."""
        if version < self._oldest:
            return None
        state = dict(self.objects.get(kind, {}))
        for change in reversed(self._history):
            if change.version <= version:
                break
            if change.kind == kind:
                _undo(state, change)
        return state

    def compact(self) -> None:
        """Forget all history: watches from an older resource version get 410."""
        self._oldest = self.version
        self._history.clear()

    def check_version(self, version: int) -> None:
        """Raise 410 for a version whose history is gone, 504 for one from the future."""
        if version < self._oldest:
            raise expired(version, self._oldest)
        if version > self.version:
            details = {"retryAfterSeconds": 1, "causes": [{"reason": "ResourceVersionTooLarge"}]}
            message = f"Timeout: Too large resource version: {version}, current: {self.version}"
            raise ApiError(504, "Timeout", message, details)

    def watch(self, watch: Watch, since: int | None) -> Watch:
        """Open a watch after `since`, or from the present state where that is None."""
        if since is None:
            for obj in self.of(watch.kind):
                self._send(watch, Change(self.version, watch.kind, None, obj))
        else:
            for change in self._history:
                if change.version > since and change.kind == watch.kind:
                    self._send(watch, change)
        self._watches.append(watch)
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Forget a watch whose client went away."""
        if watch in self._watches:
            self._watches.remove(watch)

    def watches(self, kind: Kind | None = None) -> list[Watch]:
        """Return the open watches."""
        return [watch for watch in self._watches if kind in (None, watch.kind)]

    def bookmark(self, watch: Watch, annotations: dict[str, str] | None = None) -> None:
        """Tell a watch the present resource version."""
        meta: Object = {"resourceVersion": str(self.version)}
        if annotations:
            meta["annotations"] = annotations
        watch.push("BOOKMARK", {"kind": watch.kind.kind, "apiVersion": watch.kind.api_version, "metadata": meta})

    def _send(self, watch: Watch, change: Change) -> None:
        line = watch.line(change)
        if line is not None and not self.drop(watch, *line):
            watch.push(*line)


def _undo(state: dict[Name, Object], change: Change) -> None:
    meta = (change.after or change.before or {})["metadata"]
    name = (meta.get("namespace", ""), meta["name"])
    if change.before is None:
        state.pop(name, None)
    else:
        state[name] = change.before
