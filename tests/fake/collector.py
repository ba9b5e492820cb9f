"""The garbage collector and the namespace controller, moved by hand."""

from typing import TYPE_CHECKING

from launchplan_operator.api import kinds
from launchplan_operator.api.kinds import Kind
from tests.fake.deletion import FOREGROUND, ORPHAN
from tests.fake.graph import Graph
from tests.fake.store import Object, copy

if TYPE_CHECKING:
    from tests.fake.api import FakeApi

_ENOUGH = 10_000


class Collector:
    """Follows owner references as Kubernetes' collector does: by uid, one step at a time."""

    def __init__(self, api: "FakeApi") -> None:
        self._api = api
        self._graph = Graph(api.store)

    def run(self) -> int:
        """Step until nothing is left to do; returns how many steps that took."""
        for steps in range(_ENOUGH):
            if not self.step():
                return steps
        raise AssertionError("garbage collection does not come to rest")

    def step(self) -> bool:
        """Do the first thing that is to be done; False if there is none."""
        self._graph.refresh()
        while (found := self._graph.first()) is not None:
            kind, obj = found
            if self._release(kind, obj) or self._collect(kind, obj) or self._empty(kind, obj):
                return True
            self._graph.done(obj)
        return False

    def _release(self, kind: Kind, obj: Object) -> bool:
        """Finish an owner that waits for its dependents to be orphaned or deleted."""
        uid, finalizers = obj["metadata"]["uid"], obj["metadata"].get("finalizers") or ()
        if not _is_deleted(obj) or not {ORPHAN, FOREGROUND} & set(finalizers):
            return False
        dependents = self._graph.dependents(uid)
        if ORPHAN in finalizers:
            for other, child in dependents:
                self._drop_owners(other, child, {uid})
            self._drop_finalizer(kind, obj, ORPHAN)
            return True
        if any(not _is_deleted(child) or _blocks(uid, child) for _, child in dependents):
            return False
        self._drop_finalizer(kind, obj, FOREGROUND)
        return True

    def _collect(self, kind: Kind, obj: Object) -> bool:
        """Delete what has no owner left that stays; drop the references to those that do not."""
        owners = {owner["uid"] for owner in obj["metadata"].get("ownerReferences") or ()}
        leaving = {uid for uid in owners if not self._stays(uid)}
        if not leaving or _is_deleted(obj):
            return False
        if leaving != owners:
            self._drop_owners(kind, obj, leaving)
            return True
        waited_for = any(self._graph.get(uid) is not None for uid in leaving)
        nested = waited_for and bool(self._graph.dependents(obj["metadata"]["uid"]))
        self._delete(kind, obj, "Foreground" if nested else _policy(obj))
        return True

    def _stays(self, uid: str) -> bool:
        """Whether an owner is there and does not wait for its dependents' deletion."""
        obj = self._graph.get(uid)
        return obj is not None and not (_is_deleted(obj) and FOREGROUND in obj["metadata"].get("finalizers", ()))

    def _empty(self, kind: Kind, obj: Object) -> bool:
        """Delete a terminating namespace's content, then the namespace."""
        if kind != kinds.NAMESPACES or not _is_deleted(obj):
            return False
        name = obj["metadata"]["name"]
        inside = self._graph.inside(name)
        if not inside:
            self._api.store.write(kind, ("", name), None)
            return True
        waiting = [pair for pair in inside if not _is_deleted(pair[1])]
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


def _is_deleted(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def _policy(obj: Object) -> str:
    finalizers = obj["metadata"].get("finalizers") or ()
    return "Orphan" if ORPHAN in finalizers else "Foreground" if FOREGROUND in finalizers else "Background"


def _blocks(uid: str, child: Object) -> bool:
    owners = child["metadata"].get("ownerReferences") or ()
    return any(owner["uid"] == uid and owner.get("blockOwnerDeletion") for owner in owners)
