"""What the server said last, in plain dicts with secondary dicts beside them."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from logging import getLogger

from launchplan_operator.kube.transport import Object

Name = tuple[str, str]
Listener = Callable[[Object | None, Object | None], None]
Project = Callable[[Object], Object]

_logger = getLogger(__name__)


class Cache:
    """The objects of one kind by (namespace, name), newest version only.

    Resource versions are compared as numbers, as Kubernetes allows since 1.35: whatever is not newer than what is held
    is ignored, be it a late watch event, a list from before our own write, or a ghost of an object seen deleted.
    Objects are shared, not copied: whoever reads one must not change it.

    Args:
        project: Reduces an object on arrival; must keep name, namespace, uid and resourceVersion in its metadata.
        indexes: Per index a function from a (projected) object to the keys under which `by` finds it.
        remembered: How many deletions are remembered.
    """

    def __init__(
        self,
        project: Project | None = None,
        indexes: Mapping[str, Callable[[Object], Iterable[str]]] | None = None,
        *,
        remembered: int = 10_000,
    ) -> None:
        self._project = project
        self._objects: dict[Name, Object] = {}
        self._indexers = dict(indexes or {})
        self._indexes: dict[str, dict[str, dict[Name, Object]]] = {index: {} for index in self._indexers}
        self._deletions: OrderedDict[Name, int] = OrderedDict()
        self._remembered = remembered
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        """Call `listener(old, new)` for each object that is held, as if it came now, and then after every change.

        Whether a watch or a write of ours brought the change makes no difference.
        """
        self._listeners.append(listener)
        for obj in self.values():
            _call(listener, None, obj)

    def put(self, obj: Object) -> bool:
        """Take an object; False if what is held is as new or newer, or a remembered deletion is newer."""
        meta = obj["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        version = int(meta["resourceVersion"])
        old = self._objects.get(name)
        if old is not None and version <= version_of(old):
            return False
        # An object that leaves a label selector is told as deleted in the very version that still lives.
        if version < self._deletions.get(name, 0):
            return False
        meta.pop("managedFields", None)
        new = obj if self._project is None else self._project(obj)
        self._store(name, old, new)
        self._tell(old, new)
        return True

    def remove(self, obj: Object, version: int | None = None) -> bool:
        """Note that `obj` is gone since `version`, or as its own resourceVersion says.

        Nothing older can come back. False if it is not held, or a newer object has taken its name.
        """
        meta = obj["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        since = version_of(obj) if version is None else version
        old = self._objects.get(name)
        if old is not None and old["metadata"].get("uid") != meta.get("uid") and version_of(old) > since:
            return False
        self._remember(name, since)
        if old is None:
            return False
        self._store(name, old, None)
        self._tell(old, None)
        return True

    def get(self, namespace: str | None, name: str) -> Object | None:
        """Return the object of that name, or None."""
        return self._objects.get((namespace or "", name))

    def by(self, index: str, key: str) -> list[Object]:
        """Return the objects that the index files under `key`, in no particular order."""
        return list(self._indexes[index].get(key, {}).values())

    def keys(self) -> list[Name]:
        """Return (namespace, name) of all objects."""
        return list(self._objects)

    def values(self) -> list[Object]:
        """Return all objects."""
        return list(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def _remember(self, name: Name, version: int) -> None:
        self._deletions[name] = max(version, self._deletions.pop(name, 0))
        while len(self._deletions) > self._remembered:
            self._deletions.popitem(last=False)

    def _store(self, name: Name, old: Object | None, new: Object | None) -> None:
        # All keys first: an indexer that stumbles over an odd object leaves every index as it was.
        moves = [
            (index, set(keys_of(old)) if old else set[str](), set(keys_of(new)) if new else set[str]())
            for index, keys_of in self._indexers.items()
        ]
        for index, before, after in moves:
            _file(self._indexes[index], name, before, after, new)
        if new is None:
            del self._objects[name]
        else:
            self._objects[name] = new

    def _tell(self, old: Object | None, new: Object | None) -> None:
        for listener in self._listeners:
            _call(listener, old, new)


def _call(listener: Listener, old: Object | None, new: Object | None) -> None:
    try:
        listener(old, new)
    except Exception:  # one odd object must not stop the feed of all others
        _logger.exception("a listener of the cache failed")


def version_of(obj: Object) -> int:
    """Return the resourceVersion as a number."""
    return int(obj["metadata"]["resourceVersion"])


def _file(
    index: dict[str, dict[Name, Object]],
    name: Name,
    before: set[str],
    after: set[str],
    new: Object | None,
) -> None:
    for key in before - after:
        del index[key][name]
        if not index[key]:
            del index[key]
    if new is not None:
        for key in after:
            index.setdefault(key, {})[name] = new
