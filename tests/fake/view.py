"""What a controller sees: the store as it was when the controller last looked."""

from launchplan_operator.api.kinds import Kind
from tests.fake.store import Change, Name, Object, Store


class View:
    """A controller's cache of some kinds.

    Args:
        store: What is looked at.
        kinds: What is seen of it.

    Attributes:
        frozen: Whether the cache gets no news, as behind a watch that hangs: the controller goes on from what it saw.
        version: The resource version of the last look; 0 before the first.
    """

    def __init__(self, store: Store, *kinds: Kind) -> None:
        self.frozen = False
        self.version = 0
        self._store = store
        self._objects: dict[Kind, dict[Name, Object]] = {kind: {} for kind in kinds}
        self._children: dict[Kind, dict[str, dict[Name, Object]]] = {kind: {} for kind in kinds}

    def refresh(self) -> list[Change]:
        """Look, unless frozen; returns what is new, in the order in which it happened."""
        if self.frozen or self.version == self._store.version:
            return []
        found = self._store.since(self.version) if self.version else None
        changes = self._differences() if found is None else [each for each in found if each.kind in self._objects]
        for change in changes:
            self._take(change)
        self.version = self._store.version
        return changes

    def of(self, kind: Kind) -> list[Object]:
        """Return the objects of a kind, by namespace and name; they are not to be changed."""
        return [obj for _, obj in sorted(self._objects[kind].items())]

    def get(self, kind: Kind, name: Name) -> Object | None:
        """Return an object, not to be changed."""
        return self._objects[kind].get(name)

    def controlled(self, kind: Kind, uid: str) -> list[Object]:
        """Return the objects of a kind that have this controller, by namespace and name."""
        return [obj for _, obj in sorted(self._children[kind].get(uid, {}).items())]

    def _differences(self) -> list[Change]:
        """Return what a list shows that was not seen before."""
        version, found = self._store.version, []
        for kind, old in self._objects.items():
            new = self._store.objects.get(kind, {})
            names = [name for name in sorted({*old, *new}) if old.get(name) is not new.get(name)]
            found += [Change(version, kind, old.get(name), new.get(name)) for name in names]
        return found

    def _take(self, change: Change) -> None:
        meta = change.object["metadata"]
        name = (meta.get("namespace", ""), meta["name"])
        objects, children = self._objects[change.kind], self._children[change.kind]
        if change.before is not None and (uid := controller_uid(change.before)) is not None:
            children[uid].pop(name, None)
        if change.after is None:
            objects.pop(name, None)
            return
        objects[name] = change.after
        if (uid := controller_uid(change.after)) is not None:
            children.setdefault(uid, {})[name] = change.after


def controller_uid(obj: Object) -> str | None:
    """Return the uid of an object's controller."""
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(owner["uid"]) for owner in owners if owner.get("controller")), None)
