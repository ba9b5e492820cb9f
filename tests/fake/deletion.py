"""Deleting: preconditions, propagation, finalizers, grace."""

from typing import TYPE_CHECKING

from launchplan_operator.api import kinds
from tests.fake.errors import bad_request, conflict
from tests.fake.routing import Call
from tests.fake.store import Object, copy

if TYPE_CHECKING:
    from tests.fake.api import FakeApi

ORPHAN, FOREGROUND = "orphan", "foregroundDeletion"
_FINALIZER = {"Orphan": ORPHAN, "Foreground": FOREGROUND, "Background": None}


def delete(api: "FakeApi", call: Call, current: Object) -> Object:
    """Delete an object, or mark it where finalizers or grace hold it; returns what the server answers."""
    options = call.request.body or {}
    _check_preconditions(call, options, current)
    obj = copy(current)
    meta = obj["metadata"]
    _set_propagation(call, options, meta)
    grace = _grace(call, options, obj)
    if "dryRun" in call.request.query or options.get("dryRun"):
        return obj
    if call.kind == kinds.NAMESPACES:
        # Held until it is empty.
        obj["status"] = {"phase": "Terminating"}
    elif not meta.get("finalizers") and not grace:
        api.store.write(call.kind, _name(meta), None)
        return _success(call, meta)
    changed = meta.get("finalizers") != current["metadata"].get("finalizers")
    if not meta.get("deletionTimestamp"):
        _mark(api, meta, grace)
        changed = True
    elif grace < meta["deletionGracePeriodSeconds"]:
        # A deletion that is under way can only be hastened.
        meta |= {"deletionTimestamp": api.now(), "deletionGracePeriodSeconds": grace}
        changed = True
    if changed:
        api.store.write(call.kind, _name(meta), obj)
    return copy(obj)


def _mark(api: "FakeApi", meta: Object, grace: int) -> None:
    meta["deletionTimestamp"] = api.now(grace)
    meta["deletionGracePeriodSeconds"] = grace
    if "generation" in meta:
        meta["generation"] += 1


def finish_deletion(api: "FakeApi", call: Call, new: Object) -> bool:
    """Remove an object that was only waiting for its last finalizer; True if it did."""
    meta = new["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("finalizers") or meta.get("deletionGracePeriodSeconds"):
        return False
    if "dryRun" not in call.request.query:
        api.store.write(call.kind, _name(meta), None)
    return True


def _check_preconditions(call: Call, options: Object, current: Object) -> None:
    meta = current["metadata"]
    wanted = options.get("preconditions") or {}
    for field, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
        if wanted.get(field) and wanted[field] != meta[field]:
            asked = f"the {label} in the precondition ({wanted[field]}) does not match the {label} in record ({meta[field]})"
            why = f"{asked}. The object might have been deleted and then recreated"
            raise conflict(call.kind, meta["name"], why)


def _set_propagation(call: Call, options: Object, meta: Object) -> None:
    policy = options.get("propagationPolicy") or call.request.query.get("propagationPolicy")
    if policy is None:
        policy = "Orphan" if call.resource.orphans else "Background"
    if policy not in _FINALIZER:
        raise bad_request(f'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "{policy}"')
    kept = [name for name in meta.get("finalizers") or () if name not in (ORPHAN, FOREGROUND)]
    added = _FINALIZER[policy]
    meta["finalizers"] = [*kept, added] if added else kept
    if not meta["finalizers"]:
        del meta["finalizers"]


def _grace(call: Call, options: Object, obj: Object) -> int:
    """Seconds that a pod has to end: none unless it was scheduled and runs; never more than it was given before."""
    if call.kind != kinds.PODS:
        return 0
    asked, meta = options.get("gracePeriodSeconds"), obj["metadata"]
    if meta.get("deletionTimestamp"):
        left = int(meta["deletionGracePeriodSeconds"])
        return left if asked is None else min(left, int(asked))
    if not obj["spec"].get("nodeName") or obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(obj["spec"].get("terminationGracePeriodSeconds", 30) if asked is None else asked)


def _success(call: Call, meta: Object) -> Object:
    details = {"name": meta["name"], "kind": call.kind.plural, "uid": meta["uid"]}
    if call.kind.group:
        details["group"] = call.kind.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _name(meta: Object) -> tuple[str, str]:
    return meta.get("namespace", ""), meta["name"]
