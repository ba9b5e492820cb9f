"""The garbage collector and the namespace controller, moved by hand."""

from typing import TYPE_CHECKING

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import Kind
from tests.fake.deletion import FOREGROUND, ORPHAN
from tests.fake.store import Object, copy

if TYPE_CHECKING:
    from tests.fake.api import FakeApi

_ENOUGH = 1000


class Collector:
    """Follows owner references as Kubernetes' collector does: by uid, one step at a time."""

    def __init__(self, api: "FakeApi") -> None:
        self._api = api

    def run(self) -> int:
        """Step until nothing is left to do; returns how many steps that took."""
        for steps in range(_ENOUGH):
            if not self.step():
                return steps
        raise AssertionError("garbage collection does not come to rest")

    def step(self) -> bool:
        """Do the first thing that is to be done; False if there is none."""
        objects = [(kind, obj) for kind in list(self._api.store.objects) for obj in self._api.store.of(kind)]
        uids = {obj["metadata"]["uid"]: obj for _, obj in objects}
        return any(
            self._release(kind, obj, objects) or self._collect(kind, obj, uids) or self._empty(kind, obj)
            for kind, obj in objects
        )

    def _release(self, kind: Kind, obj: Object, objects: list[tuple[Kind, Object]]) -> bool:
        """Finish an owner that waits for its dependents to be orphaned or deleted."""
        meta = obj["metadata"]
        finalizers = meta.get("finalizers") or ()
        if not meta.get("deletionTimestamp") or not {ORPHAN, FOREGROUND} & set(finalizers):
            return False
        dependents = [(other, child) for other, child in objects if _owns(meta["uid"], child)]
        if ORPHAN in finalizers:
            for other, child in dependents:
                self._drop_owners(other, child, {meta["uid"]})
            self._drop_finalizer(kind, obj, ORPHAN)
            return True
        waiting = [pair for pair in dependents if not pair[1]["metadata"].get("deletionTimestamp")]
        if any(self._collect_for(other, child, meta["uid"]) for other, child in waiting):
            return True
        if any(_blocks(meta["uid"], child) for _, child in dependents):
            return False
        self._drop_finalizer(kind, obj, FOREGROUND)
        return True

    def _collect(self, kind: Kind, obj: Object, uids: dict[str, Object]) -> bool:
        """Delete what has lost all owners; drop the references to those that are gone."""
        meta = obj["metadata"]
        owners = meta.get("ownerReferences") or ()
        gone = {owner["uid"] for owner in owners if owner["uid"] not in uids}
        if not gone or meta.get("deletionTimestamp"):
            return False
        if len(gone) < len(owners):
            self._drop_owners(kind, obj, gone)
        else:
            self._delete(kind, obj, "Background")
        return True

    def _collect_for(self, kind: Kind, child: Object, owner_uid: str) -> bool:
        """Deal with a dependent of an owner in foreground deletion."""
        owners = child["metadata"]["ownerReferences"]
        if len(owners) > 1:
            self._drop_owners(kind, child, {owner_uid})
        else:
            self._delete(kind, child, "Foreground" if self._has_dependents(child) else "Background")
        return True

    def _has_dependents(self, obj: Object) -> bool:
        uid = obj["metadata"]["uid"]
        return any(_owns(uid, child) for kind in self._api.store.objects for child in self._api.store.of(kind))

    def _empty(self, kind: Kind, obj: Object) -> bool:
        """Delete a terminating namespace's content, then the namespace."""
        if kind != kinds.NAMESPACES or not obj["metadata"].get("deletionTimestamp"):
            return False
        name = obj["metadata"]["name"]
        inside = [
            (other, child)
            for other in self._api.store.objects
            for child in self._api.store.of(other)
            if child["metadata"].get("namespace") == name
        ]
        if not inside:
            self._api.store.write(kind, ("", name), None)
            return True
        waiting = [pair for pair in inside if not pair[1]["metadata"].get("deletionTimestamp")]
        for other, child in waiting:
            self._delete(other, child, "Background")
        return bool(waiting)

    def _delete(self, kind: Kind, obj: Object, policy: str) -> None:
        meta = obj["metadata"]
        options = {"propagationPolicy": policy, "preconditions": {"uid": meta["uid"]}}
        self._api.do("DELETE", kind.path(meta.get("namespace"), meta["name"]), options)

    def _drop_owners(self, kind: Kind, obj: Object, uids: set[str]) -> None:
        kept = [owner for owner in obj["metadata"]["ownerReferences"] if owner["uid"] not in uids]
        self._patch(kind, obj, {"ownerReferences": copy(kept) or None})

    def _drop_finalizer(self, kind: Kind, obj: Object, finalizer: str) -> None:
        self._patch(kind, obj, {"finalizers": [name for name in obj["metadata"]["finalizers"] if name != finalizer]})

    def _patch(self, kind: Kind, obj: Object, change: Object) -> None:
        meta = obj["metadata"]
        body = {"metadata": {"uid": meta["uid"]} | change}
        self._api.do("PATCH", kind.path(meta.get("namespace"), meta["name"]), body)


def _owns(uid: str, child: Object) -> bool:
    return any(owner["uid"] == uid for owner in child["metadata"].get("ownerReferences") or ())


def _blocks(uid: str, child: Object) -> bool:
    owners = child["metadata"].get("ownerReferences") or ()
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners)
