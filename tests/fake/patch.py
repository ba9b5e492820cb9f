"""Merge patch, and a server-side apply that knows who owns which field."""

from typing import Any

from tests.fake.store import copy

Path = tuple[str, ...]
_UNOWNED = {
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "resourceVersion"),
    ("metadata", "uid"),
}
_LIST_KEYS = {"conditions": "type", "ownerReferences": "uid", "finalizers": ""}


def merge_patch(target: Any, patch: Any) -> Any:
    """Return `target` with an RFC 7386 patch applied."""
    if not isinstance(patch, dict):
        return copy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def leaves(value: Any, at: Path = ()) -> dict[Path, Any]:
    """Return the leaf fields by path; a keyed list has its entries as fields, any other list is one leaf."""
    if isinstance(value, dict) and value:
        return _union(leaves(child, (*at, key)) for key, child in value.items())
    key = _LIST_KEYS.get(at[-1]) if at else None
    if isinstance(value, list) and value and key is not None:
        return _union(leaves(item, (*at, f"[{item[key] if key else item}]")) for item in value)
    return {at: value}


def _union(parts: Any) -> dict[Path, Any]:
    result: dict[Path, Any] = {}
    for part in parts:
        result |= part
    return result


def owned_paths(obj: dict[str, Any]) -> dict[Path, Any]:
    """Return the fields of an applied object that can have an owner."""
    return {path: value for path, value in leaves(obj).items() if path not in _UNOWNED}


def apply_fields(live: dict[str, Any], wanted: dict[Path, Any], dropped: set[Path]) -> dict[str, Any]:
    """Return `live` with the fields set and the dropped ones removed."""
    result = copy(live)
    for path in dropped:
        _remove(result, path)
    for path, value in wanted.items():
        _set(result, path, copy(value))
    return result


def _set(root: Any, path: Path, value: Any) -> None:
    for position, part in enumerate(path):
        last = position == len(path) - 1
        if isinstance(root, list):
            root = _entry(root, part, _LIST_KEYS[path[position - 1]])
            continue
        if last:
            root[part] = value
            return
        follows_list = path[position + 1].startswith("[")
        root = root.setdefault(part, [] if follows_list else {})


def _entry(items: list[Any], part: str, key: str) -> Any:
    name = part[1:-1]
    for item in items:
        if (item[key] if key else item) == name:
            return item
    items.append({key: name} if key else name)
    return items[-1]


def _remove(root: Any, path: Path) -> None:
    trail: list[tuple[Any, str]] = []
    for position, part in enumerate(path[:-1]):
        trail.append((root, part))
        if isinstance(root, list):
            key = _LIST_KEYS[path[position - 1]]
            root = next((item for item in root if (item[key] if key else item) == part[1:-1]), None)
        else:
            root = root.get(part)
        if root is None:
            return
    if isinstance(root, list):
        name = path[-1][1:-1]
        root[:] = [item for item in root if item != name]
    else:
        root.pop(path[-1], None)
    _prune(trail)


def _prune(trail: list[tuple[Any, str]]) -> None:
    """A container that an apply emptied goes with its last field."""
    for parent, part in reversed(trail):
        if isinstance(parent, dict) and parent.get(part) in ({}, []):
            del parent[part]
