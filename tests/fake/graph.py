"""Who depends on whom, kept up to date with the store, and which objects the collector has to look at again."""

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import Kind
from tests.fake.store import Change, Object, Store

Pair = tuple[Kind, Object]


class Graph:
    """All objects by uid, with the queue of those about which something changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = 0
        self._objects: dict[str, Pair] = {}
        self._dependents: dict[str, dict[str, None]] = {}
        self._queue: dict[str, None] = {}

    def refresh(self) -> None:
        """Take in what was written since the last look."""
        changes = self._store.since(self._version)
        if changes is None:
            self._begin_anew()
        else:
            for change in changes:
                self._take(change)
        self._version = self._store.version

    def get(self, uid: str) -> Object | None:
        """Return an object."""
        found = self._objects.get(uid)
        return None if found is None else found[1]

    def dependents(self, uid: str) -> list[Pair]:
        """Return the objects that name an owner."""
        return [self._objects[each] for each in self._dependents.get(uid, ())]

    def inside(self, namespace: str) -> list[Pair]:
        """Return the objects in a namespace."""
        return [pair for pair in self._objects.values() if pair[1]["metadata"].get("namespace") == namespace]

    def first(self) -> Pair | None:
        """Return the first object to look at."""
        return self._objects[next(iter(self._queue))] if self._queue else None

    def done(self, obj: Object) -> None:
        """Look at an object no more before something changes about it."""
        self._queue.pop(obj["metadata"]["uid"], None)

    def _begin_anew(self) -> None:
        self._objects, self._dependents, self._queue = {}, {}, {}
        for kind in list(self._store.objects):
            for obj in self._store.of(kind):
                self._take(Change(self._store.version, kind, None, obj))

    def _take(self, change: Change) -> None:
        """Note a write, and look at the object, its owners, its dependents and its namespace again."""
        uid = change.object["metadata"]["uid"]
        for owner in _owners(change.before):
            self._dependents.get(owner, {}).pop(uid, None)
        for owner in _owners(change.after):
            self._dependents.setdefault(owner, {})[uid] = None
        self._objects.pop(uid, None)
        self._queue.pop(uid, None)
        if change.after is not None:
            self._objects[uid] = change.kind, change.after
        around = [uid, *_owners(change.before), *_owners(change.after), *self._dependents.get(uid, ())]
        self._queue |= dict.fromkeys(each for each in around if each in self._objects)
        self._look_at_namespace(change)

    def _look_at_namespace(self, change: Change) -> None:
        namespace = self._store.get(kinds.NAMESPACES, ("", change.object["metadata"].get("namespace", "")))
        if namespace is not None and namespace["metadata"].get("deletionTimestamp"):
            self._queue[namespace["metadata"]["uid"]] = None


def _owners(obj: Object | None) -> list[str]:
    return [] if obj is None else [owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()]
