"""Who owns which field: enough of server-side apply to tell a conflict, and what an apply drops."""

from collections.abc import Callable

from tests.fake.errors import ApiError, bad_request, qualified
from tests.fake.patch import Path, apply_fields, leaves, owned_paths
from tests.fake.routing import Call
from tests.fake.store import Object

Manager = tuple[str, str, str]


class Ownership:
    """Field owners per object, by uid."""

    def __init__(self, now: Callable[[], str]) -> None:
        self._now = now
        self._owners: dict[str, dict[Manager, set[Path]]] = {}

    def merge(self, call: Call, body: Object, live: Object) -> Object:
        """Return `live` as an apply of `body` wants it.

        Raises:
            ApiError: 409 if another manager owns a field with another value and the call does not force.
        """
        wanted, me = owned_paths(body), _manager(call)
        owners = self._owners.setdefault(live["metadata"]["uid"], {})
        present = leaves(live)
        differing = {path for path, value in wanted.items() if present.get(path, _ABSENT) != value}
        others = {name: paths & differing for name, paths in owners.items() if name != me}
        if call.request.query.get("force") != "true" and any(others.values()):
            raise _apply_conflict(call, others)
        for name, paths in others.items():
            owners[name] -= paths
        before = owners.get(me, set())
        kept = {path for name, paths in owners.items() if name != me for path in paths}
        owners[me] = set(wanted)
        merged = apply_fields(live, wanted, before - set(wanted) - kept)
        version, uid = (body["metadata"].get(field) for field in ("resourceVersion", "uid"))
        merged["metadata"] |= {"resourceVersion": version} if version else {}
        merged["metadata"] |= {"uid": uid} if uid else {}
        return merged

    def note(self, call: Call, new: Object, old: Object | None) -> None:
        """Give the fields that a write changed to its manager, and list the managers in the object."""
        if "dryRun" in call.request.query:
            return
        owners = self._owners.setdefault(new["metadata"]["uid"], {})
        me = _manager(call)
        if me[1] == "Apply":
            owners.setdefault(me, set(owned_paths(call.request.body)))
        else:
            before = {} if old is None else leaves(old)
            changed = {path for path, value in owned_paths(new).items() if before.get(path, _ABSENT) != value}
            if old is None:
                # The status of a new object is nobody's: the server's own default, if anything.
                changed = {path for path in changed if path[0] != "status"}
            for owned in owners.values():
                owned.difference_update(changed)
            owners.setdefault(me, set()).update(changed)
        new["metadata"]["managedFields"] = [self._entry(call, name) for name in sorted(owners)]

    def _entry(self, call: Call, manager: Manager) -> Object:
        entry = {"manager": manager[0], "operation": manager[1], "apiVersion": call.kind.api_version}
        entry |= {"time": self._now(), "fieldsType": "FieldsV1"}
        return entry | ({"subresource": manager[2]} if manager[2] else {})


_ABSENT = object()


def _manager(call: Call) -> Manager:
    name = call.request.query.get("fieldManager", "")
    applies = call.request.content_type == "application/apply-patch+yaml"
    if applies and not name:
        raise bad_request(
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
        )
    return name or "unknown", "Apply" if applies else "Update", call.subresource or ""


def _apply_conflict(call: Call, others: dict[Manager, set[Path]]) -> ApiError:
    found = [(name[0], ".".join(path)) for name, paths in sorted(others.items()) for path in sorted(paths)]
    words = ", ".join(f'conflict with "{name}": .{path}' for name, path in found)
    message = f"Apply failed with {len(found)} conflict{'s' if len(found) > 1 else ''}: {words}"
    details = {"name": call.name, "kind": qualified(call.kind), "causes": [{"field": path} for _, path in found]}
    return ApiError(409, "Conflict", message, details)
